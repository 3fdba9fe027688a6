import { byText } from '../lib/order.ts';
import type { Requirements } from '../unitfile/requirements.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type GlobMatcher, inConflict, type Peer } from './conflict.ts';
import { type MachineId, shortId } from './ids.ts';
import type { Machine } from './machine.ts';
import type { Placement } from './placement.ts';

/** Where a MachineOf target is. `unknown`: not readable, so nothing may follow from it. */
export type TargetPlace =
  | { readonly kind: 'on'; readonly machine: MachineId }
  | { readonly kind: 'nowhere'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** A unit that looks for a machine. */
export interface Applicant {
  readonly peer: Peer;
  readonly requirements: Requirements;
  readonly refusals: Placement['refusals'];
  /** Where each unit of `MachineOf=` is. */
  readonly placeOf: (target: UnitName) => TargetPlace;
  /** Why an orphan of its name keeps it off a machine; null when none does. */
  readonly whyBarred: (machine: MachineId) => string | null;
  readonly matches: GlobMatcher;
}

/** A machine as it would receive a unit. */
export interface Site {
  readonly machine: Machine;
  /** Units it holds; the applicant itself does not count. */
  readonly peers: Iterable<Peer>;
}

/** Why the unit may not run there, in words an operator reads; null when nothing speaks against it. */
export type Rule = (applicant: Applicant, site: Site) => string | null;

/** What a unit must satisfy to stay on a machine. */
export const stayingRules: readonly Rule[] = [
  refusedByMachine,
  withoutDeadline,
  wrongMachine,
  metadataMissing,
  awayFromTarget,
  orphanInTheWay,
  conflictsThere,
];

/**
 * What a unit must satisfy to be left where it runs when it fits nowhere else: its machine's
 * metadata may have changed, and a running service is not hurt for that.
 */
export const keepingRules: readonly Rule[] = [
  refusedByMachine,
  wrongMachine,
  awayFromTarget,
  orphanInTheWay,
  conflictsThere,
];

/** What speaks against a machine whatever else runs there, and wherever other units are. */
export const lastingRules: readonly Rule[] = [
  machineLeaves,
  refusedByMachine,
  wrongMachine,
  metadataMissing,
];

/** What a unit must satisfy to be placed on a machine. */
export const placingRules: readonly Rule[] = [machineLeaves, metadataUnknown, ...stayingRules];

/** The first objection of `rules`; null when the unit may run there. */
export function whyNot(rules: readonly Rule[], applicant: Applicant, site: Site): string | null {
  for (const rule of rules) {
    const why = rule(applicant, site);
    if (why !== null) return why;
  }
  return null;
}

function machineLeaves(_applicant: Applicant, { machine }: Site): string | null {
  return machine.leaving ? 'the machine is shutting down' : null;
}

function refusedByMachine({ refusals }: Applicant, { machine }: Site): string | null {
  const refusal = refusals.find((one) => one.machine === machine.id);
  return refusal === undefined ? null : `refused: ${refusal.why}`;
}

/** A machine that does not say for how long its lease holds stops nothing when it is cut off. */
function withoutDeadline({ requirements }: Applicant, { machine }: Site): string | null {
  if (requirements.onPartition === undefined || machine.ttlMs !== undefined) return null;
  return 'its fleetd is too old for OnPartition=stop';
}

/** MachineID= takes the full id or its first eight characters, nothing in between. */
function wrongMachine({ requirements }: Applicant, { machine }: Site): string | null {
  const pinned = requirements.machineId;
  if (pinned === null || pinned === machine.id || pinned === shortId(machine.id)) return null;
  return `must run on machine ${pinned}`;
}

function metadataMissing({ requirements }: Applicant, { machine }: Site): string | null {
  for (const { key, values } of requirements.metadata) {
    if (machine.unknownMetadata?.has(key)) continue; // unknown changes nothing
    const value = machine.metadata.get(key);
    if (value === undefined || !values.includes(value)) {
      return `metadata ${key}=${values.join('|')} is missing`;
    }
  }
  return null;
}

function metadataUnknown({ requirements }: Applicant, { machine }: Site): string | null {
  const unknown = requirements.metadata.find(({ key }) => machine.unknownMetadata?.has(key));
  return unknown === undefined ? null : `metadata ${unknown.key} is stored and not understood`;
}

function awayFromTarget({ requirements, placeOf }: Applicant, { machine }: Site): string | null {
  for (const target of requirements.machineOf) {
    const place = placeOf(target);
    if (place.kind !== 'on') return place.why;
    if (place.machine !== machine.id) return `${target} runs on ${shortId(place.machine)}`;
  }
  return null;
}

function orphanInTheWay({ whyBarred }: Applicant, { machine }: Site): string | null {
  return whyBarred(machine.id);
}

/** Names the first of them by name: words must not depend on who came first. */
function conflictsThere({ peer, matches }: Applicant, { peers }: Site): string | null {
  let first: Peer | null = null;
  for (const other of peers) {
    const isLater = first !== null && byText(first.name, other.name) < 0;
    if (!isLater && inConflict(peer, other, matches)) first = other;
  }
  if (first === null) return null;
  return `conflicts with ${first.isOrphan ? 'the orphan ' : ''}${first.name}`;
}
