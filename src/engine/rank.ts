import { byText } from '../lib/order.ts';
import type { Peer } from '../model/conflict.ts';
import { type Applicant, placingRules, whyNot } from '../model/rules.ts';
import type { Room, Tenant } from './room.ts';

/** A unit that looks for a room. */
export interface Seeker extends Applicant {
  readonly peer: Tenant;
}

/**
 * True when nothing speaks against the unit in that room, with `others` there as well, and of the
 * tenants those who are still there.
 */
export function fits(
  applicant: Applicant,
  room: Room,
  others: readonly Peer[],
  isThere: (tenant: Peer) => boolean = everybody,
): boolean {
  const found = room.conflictsOf(applicant.peer, applicant.matches).filter(isThere);
  const peers = others.length === 0 ? found : [...found, ...others];
  return whyNot(placingRules, applicant, { machine: room.machine, peers }) === null;
}

function everybody(): boolean {
  return true;
}

/**
 * The rooms, the best for the unit first: where a copy already is; then fewest instances of the same
 * template, then fewest units, then the first clockwise from the unit on a ring of hashes, then the
 * id. A hash and not the lowest id, or a fresh machine would collect every instance of one service.
 */
export function* ranked(unit: Tenant, rooms: readonly Room[]): Generator<Room, void> {
  let left = rooms;
  while (left.length > 0) {
    let best: Room | null = null;
    for (const room of left) if (best === null || isBetter(unit, room, best)) best = room;
    if (best === null) return;
    const found = best;
    yield found;
    left = left.filter((room) => room !== found);
  }
}

function isBetter(unit: Tenant, one: Room, other: Room): boolean {
  const difference =
    Number(other.hasCopy(unit.name)) - Number(one.hasCopy(unit.name)) ||
    one.instanceCount(unit) - other.instanceCount(unit) ||
    one.tenants.size - other.tenants.size ||
    clockwise(unit.hash, one.hash) - clockwise(unit.hash, other.hash) ||
    byText(one.id, other.id);
  return difference < 0;
}

/** How far it is on a ring of 32 bits. */
function clockwise(from: number, to: number): number {
  return (to - from) >>> 0;
}
