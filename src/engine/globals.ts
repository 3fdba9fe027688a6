import { placingRules, type Rule, stayingRules, whyNot } from '../model/rules.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type Draft, sortedByKey } from './draft.ts';
import type { Room } from './room.ts';

/**
 * Seats global units where they already are, unless a unit placed there speaks against it. A
 * machine that shuts down keeps what it has: it goes on with it when it is back.
 */
export function keepGlobals(draft: Draft): void {
  for (const [unit, record] of globals(draft)) {
    for (const room of draft.rooms.values()) {
      const copy = room.copies.get(unit);
      if (copy?.identity !== record.identity || copy.want === 'gone') continue;
      if (room.machine.leaving || mayRun(draft, unit, record, room, stayingRules)) {
        room.seat(draft.peer(unit));
      }
    }
  }
}

/** Seats global units on every other machine that allows them; whoever is there already wins. */
export function addGlobals(draft: Draft): void {
  for (const [unit, record] of globals(draft)) {
    for (const room of draft.rooms.values()) {
      if (room.seated.has(unit)) continue;
      if (mayRun(draft, unit, record, room, placingRules)) room.seat(draft.peer(unit));
    }
  }
}

function globals(draft: Draft): (readonly [UnitName, UnitRecord])[] {
  return sortedByKey(draft.picture.units).filter(([unit, record]) => {
    const isWanted = !record.gone && record.desired !== 'inactive';
    return isWanted && record.requirements.global && !draft.isFrozen(unit);
  });
}

/** Why a global unit does not belong on a machine that is present. */
export function globalObjection(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  room: Room,
): string {
  const site = { machine: room.machine, peers: room.seated.values() };
  return whyNot(placingRules, draft.applicant(unit, record), site) ?? 'it comes back later';
}

function mayRun(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  room: Room,
  rules: readonly Rule[],
): boolean {
  const peers = rules === stayingRules ? room.seated.values() : room.tenants.values();
  return whyNot(rules, draft.applicant(unit, record), { machine: room.machine, peers }) === null;
}
