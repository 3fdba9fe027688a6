import { byText, hashRank } from '../lib/order.ts';
import type { Peer } from '../model/conflict.ts';
import { type Applicant, placingRules, whyNot } from '../model/rules.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Room } from './room.ts';

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
  const tenants = room.tenants.values();
  const isPlain = others.length === 0 && isThere === everybody;
  const peers = isPlain ? tenants : [...[...tenants].filter(isThere), ...others];
  return whyNot(placingRules, applicant, { machine: room.machine, peers }) === null;
}

/**
 * The best of the rooms that fit, or null when there is none: where a copy already is; then fewest
 * instances of the same template, then fewest units, then a hash of the pair, then the id. A hash
 * and not the lowest id, or a fresh machine would collect every instance of one service.
 */
export function best(unit: UnitName, rooms: readonly Room[]): Room | null {
  const [first, ...rest] = foremost(rooms, (room) => [
    room.hasCopy(unit) ? 0 : 1,
    room.instanceCount(unit),
    room.tenants.size,
  ]);
  if (first === undefined || rest.length === 0) return first ?? null;
  const unitHash = hashRank(unit);
  const [winner] = [first, ...rest]
    .map((room) => ({ room, rank: pairRank(unitHash, room.hash) }))
    .sort(
      (left, right) =>
        left.rank - right.rank || byText(left.room.machine.id, right.room.machine.id),
    );
  return winner?.room ?? null;
}

/**
 * A 32-bit number for a pair, from a hash of each: a plan ranks millions of pairs, and hashing
 * each pair's text would be most of its work.
 */
function pairRank(unitHash: number, machineHash: number): number {
  let mixed = Math.imul(unitHash ^ machineHash, 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

function everybody(): boolean {
  return true;
}

type Key = readonly [number, number, number];

/** Every room that is first by `keys`. */
function foremost(rooms: readonly Room[], keys: (room: Room) => Key): Room[] {
  let tied: Room[] = [];
  let lowest: Key | null = null;
  for (const room of rooms) {
    const key = keys(room);
    const order: number = lowest === null ? -1 : compare(key, lowest);
    if (order < 0) {
      tied = [room];
      lowest = key;
    } else if (order === 0) tied.push(room);
  }
  return tied;
}
function compare(left: Key, right: Key): number {
  return left[0] - right[0] || left[1] - right[1] || left[2] - right[2];
}
