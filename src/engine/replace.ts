import { byText } from '../lib/order.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft, Seat } from './draft.ts';
import { type Homeless, isFinished } from './keep.ts';
import { fits, ranked } from './rank.ts';
import type { Room } from './room.ts';

/**
 * Gives an unplaced unit the machine of units it replaces, if those fit elsewhere by the ordinary
 * rules, with whoever follows them. True when it did; otherwise nothing has changed.
 */
export function replaceSomebody(draft: Draft, one: Homeless): boolean {
  if (one.record.requirements.replaces.length === 0) return false;
  const { replaces } = one.record.requirements;
  const rooms = [...draft.candidates.housing(replaces)].filter((room) => {
    return mayTakeOver(draft, one, room);
  });
  for (const room of [...ranked(draft.peer(one.unit), rooms)]) {
    if (takeOver(draft, one, room)) return true;
  }
  return false;
}

/** True when there is somebody to replace, and nobody else speaks against the unit there. */
function mayTakeOver(draft: Draft, one: Homeless, room: Room): boolean {
  const moving = new Set(movingWith(draft, victims(draft, one, room)));
  if (moving.size === 0) return false;
  const seeker = draft.seeker(one.unit, one.record);
  return fits(seeker, room, [], (tenant) => !moving.has(tenant.name));
}

function victims(draft: Draft, one: Homeless, room: Room): UnitName[] {
  const globs = one.record.requirements.replaces;
  return [...room.seated.keys()]
    .filter((unit) => unit !== one.unit && globs.some((glob) => draft.matches(glob, unit)))
    .filter((unit) => isMovable(draft, unit, room))
    .sort(byText);
}

function isMovable(draft: Draft, unit: UnitName, room: Room): boolean {
  const record = draft.picture.units.get(unit);
  if (record === undefined || !draft.seats.has(unit)) return false; // frozen or global
  const placement = draft.picture.placements.get(unit);
  const isDone = placement !== undefined && isFinished(draft, unit, record, placement);
  return placement?.machine !== room.machine.id || !isDone;
}

/** These and all who follow them, targets first. */
function movingWith(draft: Draft, units: readonly UnitName[]): UnitName[] {
  const moving = [...units];
  for (const unit of moving) {
    const followers = [...draft.lookups.followersOf(unit)].filter((other) =>
      draft.seats.has(other),
    );
    moving.push(...followers.filter((other) => !moving.includes(other)).sort(byText));
  }
  return moving;
}

function takeOver(draft: Draft, one: Homeless, room: Room): boolean {
  const replaced = victims(draft, one, room);
  const moving = movingWith(draft, replaced);
  const before = new Map<UnitName, Seat>();
  for (const unit of moving) {
    const seat = draft.seats.get(unit);
    if (seat !== undefined) before.set(unit, seat);
    draft.unseat(unit);
  }
  const why = `replaces ${replaced.join(', ')}`;
  draft.seat(one.unit, { kind: 'placed', machine: room.machine.id, why });
  if (moving.every((unit) => moveAway(draft, unit, one.unit))) {
    for (const unit of moving) draft.join(one.unit, unit);
    return true;
  }
  for (const unit of [one.unit, ...moving]) draft.unseat(unit);
  for (const [unit, seat] of before) draft.seat(unit, seat);
  return false;
}

function moveAway(draft: Draft, unit: UnitName, by: UnitName): boolean {
  const record: UnitRecord | undefined = draft.picture.units.get(unit);
  if (record === undefined) return false;
  for (const room of draft.candidates.ranked(draft.seeker(unit, record))) {
    draft.seat(unit, { kind: 'placed', machine: room.id, why: `made room for ${by}` });
    return true;
  }
  return false;
}
