import { brakeObjection } from '../model/brake.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import type { Objection, Placement } from '../model/placement.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft, Seat } from './draft.ts';
import { heldUntilMs } from './holds.ts';
import { isFinished } from './keep.ts';
import { groupObjections } from './objections.ts';
import { brakedOn, finishedOn } from './placement-words.ts';

/** The placement as it should be stored; the stored one itself when it needs no change. */
export function placementFor(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  circle: string | null,
): Placement {
  const stored = draft.picture.placements.get(unit);
  const seat = draft.seats.get(unit);
  const heldMs = heldUntilMs(draft, unit);
  const next = seat === undefined ? nowhere() : seated(seat);
  if (stored === undefined) return next;
  if (isSamePlacement(stored, next)) return stored;
  return isRefresh(stored, next) ? draft.refreshes.choose(stored, next) : next;

  function nowhere(): Placement {
    const objections = objectionsTo(draft, unit, record);
    return placement(null, circle ?? nowhereWords(objections), objections);
  }
  function seated(at: Seat): Placement {
    if (isBraked(draft, unit, record, at)) {
      return placement(at.machine, brakedOn(at.machine), [brakedObjection]);
    }
    const isKept = at.kind === 'kept';
    const objections = isKept ? objectionsTo(draft, unit, record) : [];
    const why = at.kind === 'stays' ? stayingWords(draft, unit, record, at.machine) : at.why;
    return placement(at.machine, why, objections);
  }
  function placement(
    machine: MachineId | null,
    reason: string,
    objections: readonly Objection[],
  ): Placement {
    const isDone = stored?.machine === machine && isFinished(draft, unit, record, stored);
    const isSame = stored?.machine === machine && stored.identity === record.identity;
    return {
      machine,
      identity: record.identity,
      sinceMs: isSame ? stored.sinceMs : draft.nowMs,
      reason,
      objections,
      ...(isDone ? { finishedRun: record.restartCount } : {}),
      ...(heldMs === null ? {} : { heldUntilMs: heldMs }),
      refusals: draft.refusals(unit, record),
    };
  }
}

/** True when a unit stays on a machine that vanished, only because the brake is on. */
function isBraked(draft: Draft, unit: UnitName, record: UnitRecord, at: Seat): boolean {
  if (at.kind !== 'stays' || !draft.braked.has(at.machine)) return false;
  const stored = draft.picture.placements.get(unit);
  return stored === undefined || !isFinished(draft, unit, record, stored);
}

/** Of no machine in particular: the same for as long as the brake is on. */
const brakedObjection: Objection = { why: brakeObjection, count: 0, machines: [] };

/** Keeps the reason it was placed for, unless there is news. */
function stayingWords(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  machine: MachineId,
): string {
  const stored = draft.picture.placements.get(unit);
  if (stored?.identity !== record.identity) {
    return `submitted again, stays on ${shortId(machine)}`;
  }
  if (isFinished(draft, unit, record, stored)) {
    return finishedOn(machine);
  }
  if (stored.finishedRun !== undefined) return `started again on ${shortId(machine)}`;
  const wasAway = stored.objections.length > 0 || stored.heldUntilMs !== undefined;
  if (wasAway && draft.rooms.has(machine)) return backWords(stored, machine);
  return stored.reason;
}

/** It was kept where it is: on a machine that was away, or on one that did not suit it. */
function backWords(stored: Placement, machine: MachineId): string {
  const short = shortId(machine);
  const wasAway = stored.reason.startsWith(`machine ${short}`);
  return wasAway ? `machine ${short} is back` : `fits on ${short} again`;
}

function objectionsTo(draft: Draft, unit: UnitName, record: UnitRecord): readonly Objection[] {
  const refusals = draft.candidates.refusals(draft.seeker(unit, record));
  if (refusals.length === 0) return [{ why: 'no machine is present', count: 0, machines: [] }];
  return groupObjections(refusals);
}

function nowhereWords(objections: readonly Objection[]): string {
  const [first, ...others] = objections;
  if (first !== undefined && others.length === 0) return first.why;
  const count = objections.reduce((sum, objection) => sum + objection.count, 0);
  return `fits on none of ${count} machines`;
}

/** True when both decide the same and only the objections, with the words made of them, differ. */
function isRefresh(stored: Placement, next: Placement): boolean {
  const reason = wordsOfOwn(stored) ? next.reason : stored.reason;
  return (
    stored.objections.length > 0 &&
    next.objections.length > 0 &&
    wordsOfOwn(stored) === wordsOfOwn(next) &&
    isSamePlacement({ ...stored, reason, objections: next.objections }, next)
  );
}

/** True when the reason only sums the objections up. */
function wordsOfOwn({ reason, objections }: Placement): boolean {
  return reason === nowhereWords(objections);
}

function isSamePlacement(one: Placement, other: Placement): boolean {
  return (
    one.machine === other.machine &&
    one.identity === other.identity &&
    one.reason === other.reason &&
    one.finishedRun === other.finishedRun &&
    one.heldUntilMs === other.heldUntilMs &&
    JSON.stringify([one.objections, one.refusals]) ===
      JSON.stringify([other.objections, other.refusals])
  );
}
