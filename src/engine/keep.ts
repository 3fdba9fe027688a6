import { byText } from '../lib/order.ts';
import { type Steps, sorted } from '../lib/steps.ts';
import { WideMap } from '../lib/wide-map.ts';
import type { Peer } from '../model/conflict.ts';
import { hasFinished, isKnownFinished } from '../model/copy.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import { mayRun } from '../model/orphan.ts';
import type { Placement } from '../model/placement.ts';
import {
  type Applicant,
  keepingRules,
  type Rule,
  type Site,
  stayingRules,
  whyNot,
} from '../model/rules.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft, Seat } from './draft.ts';
import type { Following, Placeable } from './followers.ts';
import { holdEndMs } from './holds.ts';
import { holdWords } from './placement-words.ts';
import type { Room } from './room.ts';

/** A unit that needs a machine. */
export interface Homeless {
  readonly unit: UnitName;
  readonly record: UnitRecord;
  /** Why it cannot stay, in words an operator reads; null when it was nowhere. */
  readonly why: string | null;
  /** This identity had no machine before. */
  readonly isNew: boolean;
  /** Where it stays all the same when it fits nowhere else. */
  readonly fallback: MachineId | null;
}

/** Seats every unit that may stay where it is; returns the others. */
export function* keepSeats(
  draft: Draft,
  units: Placeable,
  following: Following,
): Steps<ReadonlyMap<UnitName, Homeless>> {
  const homeless = new WideMap<UnitName, Homeless>();
  for (const { unit } of yield* stayingOrder(draft, units, following)) {
    yield;
    const record = units.get(unit);
    if (record === undefined) continue;
    draft.subject = unit;
    const verdict = following.circles.has(unit)
      ? { unit, record, why: null, isNew: true, fallback: null }
      : judge(draft, unit, record);
    if ('kind' in verdict) draft.seat(unit, verdict);
    else homeless.set(unit, verdict);
  }
  draft.subject = null;
  return homeless;
}

/** Targets before followers; among equals, who was there first, and a new identity last. */
function* stayingOrder(
  draft: Draft,
  units: Placeable,
  following: Following,
): Steps<readonly { readonly unit: UnitName }[]> {
  const age = (unit: UnitName): number => {
    const placement = draft.picture.placements.get(unit);
    if (placement === undefined) return Number.POSITIVE_INFINITY;
    const isSame = placement.identity === units.get(unit)?.identity;
    return isSame ? placement.sinceMs : Number.MAX_SAFE_INTEGER;
  };
  const depth = (unit: UnitName): number => following.depths.get(unit) ?? 0;
  const keyed: { readonly unit: UnitName; readonly depth: number; readonly age: number }[] = [];
  for (const unit of units.keys()) {
    yield;
    keyed.push({ unit, depth: depth(unit), age: age(unit) });
  }
  return yield* sorted(
    keyed,
    (left, right) =>
      left.depth - right.depth ||
      (left.age === right.age ? 0 : left.age - right.age) ||
      byText(left.unit, right.unit),
  );
}

/** Its seat on the machine it has, or why it cannot stay. */
function judge(draft: Draft, unit: UnitName, record: UnitRecord): Seat | Homeless {
  const placement = draft.picture.placements.get(unit);
  const machine = placement?.machine ?? null;
  if (placement === undefined || machine === null) {
    return { unit, record, why: null, isNew: true, fallback: null };
  }
  const isNew = placement.identity !== record.identity;
  const staying: Seat = { kind: 'stays', machine, why: '' };
  if (isFinished(draft, unit, record, placement)) return staying;
  const fallback = mayKeep(draft, unit, record, machine) ? machine : null;
  const room = draft.rooms.get(machine);
  if (room === undefined) {
    const isHeld = draft.awaited.has(machine) || draft.braked.has(machine);
    if (fallback !== null && isHeld) return staying;
    const order = draft.order(machine, unit);
    if (fallback !== null && holdEndMs(draft, machine, order) !== null) {
      return { kind: 'held', machine, why: holdWords(machine, order?.guard) };
    }
    return { unit, record, why: `machine ${shortId(machine)} vanished`, isNew, fallback };
  }
  if (room.machine.leaving && hasStopped(draft, unit, record, machine)) {
    return { unit, record, why: `machine ${shortId(machine)} is shutting down`, isNew, fallback };
  }
  const applicant = draft.seeker(unit, record);
  const conflicts = room.seatedConflictsOf(applicant.peer, draft.matches);
  const peers = [...conflicts, ...inItsWay(draft, unit, record, room)];
  const why = whyNotStay(stayingRules, applicant, { machine: room.machine, peers });
  if (why === null) return staying;
  const isHarmless = whyNotStay(keepingRules, applicant, { machine: room.machine, peers }) === null;
  if (!isHarmless || fallback === null || isAtRest(draft, unit, record, room)) {
    return { unit, record, why: `left ${shortId(machine)}: ${why}`, isNew, fallback: null };
  }
  if (draft.candidates.suitsAnywhere(applicant)) {
    return { unit, record, why: `left ${shortId(machine)}: ${why}`, isNew, fallback };
  }
  return { kind: 'kept', machine, why: keptWords(why) };
}

/** Why a unit is where it should not be: no other machine takes it, and it runs. */
export function keptWords(why: string): string {
  return `${why}; it fits nowhere else`;
}

function whyNotStay(rules: readonly Rule[], applicant: Applicant, site: Site): string | null {
  const targets = applicant.requirements.machineOf.map(applicant.placeOf);
  if (targets.some((target) => target.kind === 'unknown')) return null; // unknown changes nothing
  return whyNot(rules, applicant, site);
}

/** Orphans count against a unit that does not run yet; one that runs is not moved for them. */
function inItsWay(draft: Draft, unit: UnitName, record: UnitRecord, room: Room): readonly Peer[] {
  const report = draft.report(room.machine.id, unit);
  const isStarted = report?.identity === record.identity && mayRun(report);
  return isStarted ? [] : room.strangers();
}

/** Its machine says that nothing of it runs: then it is not kept where it should not be. */
function isAtRest(draft: Draft, unit: UnitName, record: UnitRecord, room: Room): boolean {
  const report = draft.report(room.machine.id, unit);
  return report?.identity === record.identity && !mayRun(report);
}

/** A machine that is away or going keeps what it was ordered to run, unless it refused it. */
function mayKeep(draft: Draft, unit: UnitName, record: UnitRecord, machine: MachineId): boolean {
  const order = draft.order(machine, unit);
  if (order?.identity !== record.identity || order.want === 'gone') return false;
  return !draft.refusals(unit, record).some((refusal) => refusal.machine === machine);
}

/** On a machine that shuts down, what has stopped may move, and nothing before. */
function hasStopped(draft: Draft, unit: UnitName, record: UnitRecord, machine: MachineId): boolean {
  const report = draft.report(machine, unit);
  if (report === undefined || report.identity !== record.identity) return true;
  return report.active === 'inactive' || report.active === 'failed';
}

/**
 * A oneshot that ended well is not moved and not run again, until it is started anew. Its report
 * goes with its machine's lease, so the placement remembers the run that was seen to end.
 */
export function isFinished(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  placement: Placement,
): boolean {
  if (placement.machine === null || placement.identity !== record.identity) return false;
  if (isKnownFinished(record, placement)) return true;
  const report = draft.report(placement.machine, unit);
  return report !== undefined && hasFinished(record, report);
}
