import { byText } from '../lib/order.ts';
import { placingRules, type Rule, stayingRules, whyNot } from '../model/rules.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import type { Room } from './room.ts';

/**
 * Seats global units where they already are, unless a unit placed there speaks against it. A
 * machine that shuts down keeps what it has: it goes on with it when it is back.
 */
export function keepGlobals(draft: Draft, rooms: Iterable<Room>): void {
  const globals = wantedGlobals(draft);
  for (const room of rooms) {
    for (const [unit, record] of globals) {
      const copy = room.copies.get(unit);
      if (copy?.identity !== record.identity || copy.want === 'gone') continue;
      if (room.machine.leaving || mayRun(draft, unit, record, room, stayingRules)) {
        room.seat(draft.peer(unit));
      }
    }
  }
}

/** Seats global units on every other machine that allows them; whoever is there already wins. */
export function addGlobals(draft: Draft, rooms: Iterable<Room>): void {
  const globals = wantedGlobals(draft);
  for (const room of rooms) {
    for (const [unit, record] of globals) {
      if (room.seated.has(unit)) continue;
      if (mayRun(draft, unit, record, room, placingRules)) room.seat(draft.peer(unit));
    }
  }
}

/** Global units that are to be loaded or launched and can be read, sorted by name. */
export function wantedGlobals(draft: Draft): readonly (readonly [UnitName, UnitRecord])[] {
  return [...draft.lookups.globals].sort(byText).flatMap((unit) => {
    const record = draft.picture.units.get(unit);
    return record !== undefined && isWantedGlobal(draft, unit) ? [[unit, record] as const] : [];
  });
}

/** Whether a plan decides on which machines that unit belongs. */
export function isWantedGlobal(draft: Draft, unit: UnitName): boolean {
  const record = draft.picture.units.get(unit);
  if (record === undefined || !record.requirements.global || draft.isFrozen(unit)) return false;
  return !record.gone && record.desired !== 'inactive';
}

/** Why a global unit does not belong on a machine that is present. */
export function globalObjection(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  room: Room,
): string {
  const seeker = draft.seeker(unit, record);
  const site = { machine: room.machine, peers: room.seatedConflictsOf(seeker.peer, draft.matches) };
  return whyNot(placingRules, seeker, site) ?? 'it comes back later';
}

function mayRun(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  room: Room,
  rules: readonly Rule[],
): boolean {
  const seeker = draft.seeker(unit, record);
  const peers =
    rules === stayingRules
      ? room.seatedConflictsOf(seeker.peer, draft.matches)
      : room.conflictsOf(seeker.peer, draft.matches);
  return whyNot(rules, seeker, { machine: room.machine, peers }) === null;
}
