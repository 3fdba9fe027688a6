import type { Steps } from '../lib/steps.ts';
import { WideSet } from '../lib/wide-map.ts';
import { inConflict, type Peer } from '../model/conflict.ts';
import type { MachineId } from '../model/ids.ts';
import type { Applicant } from '../model/rules.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft, Seat } from './draft.ts';
import type { Homeless } from './keep.ts';
import { limits } from './limits.ts';
import { fits, ranked } from './rank.ts';
import type { Room } from './room.ts';

/** Units that have to share a machine, since one follows the other. */
interface Item {
  readonly members: readonly Homeless[];
  readonly peers: readonly Peer[];
  /** Where it could go if no other item were there; what it has now comes first. */
  rooms: readonly Room[];
}

/**
 * Second thoughts about the seats of one plan: a unit that found no room gets one if others that
 * this plan has only just placed can take another. Nothing that stays where it was is touched. The
 * search is complete but for a limit on its steps in one plan.
 */
export class Repair {
  readonly #draft: Draft;
  readonly #placed = new WideSet<UnitName>();
  readonly #inOrder: Homeless[] = [];
  #stepCount = 0;

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  /** This plan has given the unit a seat: it may take another. */
  placed(one: Homeless): void {
    if (!this.#placed.has(one.unit)) this.#inOrder.push(one);
    this.#placed.add(one.unit);
  }

  /** Seats the unit, and moves others if need be; false when nothing has changed. */
  *makeRoomFor(one: Homeless): Steps<boolean> {
    if (this.#placed.size === 0 || this.#stepCount > limits.repairStepsMax) return false;
    if (!this.#isTied(one) && !this.#wouldFit(one)) return false;
    const movable = yield* this.#movable();
    movable.set(one.unit, one);
    const first = yield* this.#itemOf(one, movable);
    const items = yield* this.#entangled(first, movable);
    if (items === null) return false;
    const before = new Map<UnitName, Seat>();
    for (const { unit } of items.flatMap(({ members }) => members)) {
      const seat = this.#draft.seats.get(unit);
      if (seat !== undefined) before.set(unit, seat);
      this.#draft.unseat(unit);
    }
    for (const item of items) {
      yield;
      item.rooms = this.#roomsFor(item, before);
    }
    const chosen = new Map<Item, Room>();
    const isSolved = yield* this.#solve(items, chosen);
    if (isSolved) {
      this.placed(one);
      this.#seatAll(one, chosen, before);
    } else for (const [unit, seat] of before) this.#draft.seat(unit, seat);
    return isSolved;
  }

  *#movable(): Steps<Map<UnitName, Homeless>> {
    const movable = new Map<UnitName, Homeless>();
    for (const one of this.#inOrder) {
      yield;
      if (this.#isMovable(one.unit)) movable.set(one.unit, one);
    }
    return movable;
  }

  /** What this plan has placed by the ordinary rules: its start is not even ordered yet. */
  #isMovable(unit: UnitName): boolean {
    if (!this.#placed.has(unit) || this.#draft.seats.get(unit)?.kind !== 'placed') return false;
    return ![...this.#draft.groupOf(unit)].some((other) => this.#replaces(other));
  }

  #replaces(unit: UnitName): boolean {
    return (this.#draft.picture.units.get(unit)?.requirements.replaces.length ?? 0) > 0;
  }

  /** It follows one that can move, or the other way round. */
  #isTied({ unit, record }: Homeless): boolean {
    const others = [...record.requirements.machineOf, ...this.#draft.lookups.followersOf(unit)];
    return others.some((other) => this.#isMovable(other));
  }

  /** Whether a room would do if everybody who can move left it. */
  #wouldFit({ unit, record }: Homeless): boolean {
    const seeker = this.#draft.seeker(unit, record);
    for (const room of this.#draft.candidates.crowded(seeker)) {
      const others = room.conflictsOf(seeker.peer, seeker.matches);
      if (others.every(({ name }) => !room.holds(name) && this.#isMovable(name))) return true;
    }
    return false;
  }

  /** The unit with everybody it follows and who follows it, near or far. */
  *#itemOf(one: Homeless, movable: ReadonlyMap<UnitName, Homeless>): Steps<Item> {
    const members = new Map<UnitName, Homeless>([[one.unit, one]]);
    for (const member of members.values()) {
      const targets = new Set(member.record.requirements.machineOf);
      for (const [unit, other] of movable) {
        yield;
        const isTied =
          targets.has(unit) || other.record.requirements.machineOf.includes(member.unit);
        if (isTied) members.set(unit, other);
      }
    }
    const list = [...members.values()];
    return { members: list, peers: list.map(({ unit }) => this.#draft.peer(unit)), rooms: [] };
  }

  /** The item and all that conflict with it, directly or through others; null beyond the limits. */
  *#entangled(
    first: Item,
    movable: ReadonlyMap<UnitName, Homeless>,
  ): Steps<readonly Item[] | null> {
    const items = [first];
    const taken = new Set(first.members.map(({ unit }) => unit));
    for (const item of items) {
      for (const [unit, other] of movable) {
        yield;
        this.#stepCount += item.peers.length;
        if (this.#stepCount > limits.repairStepsMax || taken.size > limits.repairUnitsMax) {
          return null;
        }
        if (taken.has(unit) || !this.#conflicts(item.peers, [this.#draft.peer(unit)])) continue;
        const next = yield* this.#itemOf(other, movable);
        for (const member of next.members) taken.add(member.unit);
        items.push(next);
      }
    }
    return items;
  }

  #conflicts(some: readonly Peer[], others: readonly Peer[]): boolean {
    const { matches } = this.#draft;
    return some.some((one) => others.some((other) => inConflict(one, other, matches)));
  }

  /** Rooms that take the whole item; where it was comes first, then by rank. */
  #roomsFor(item: Item, before: ReadonlyMap<UnitName, Seat>): readonly Room[] {
    const [leader] = item.members;
    if (leader === undefined || this.#conflicts(item.peers, item.peers)) return [];
    const rooms = [...this.#rankedFor(item, leader)];
    const machine = before.get(leader.unit)?.machine;
    const first = rooms.filter(({ id }) => id === machine);
    return [...first, ...rooms.filter((room) => !first.includes(room))];
  }

  #rankedFor(item: Item, leader: Homeless): Iterable<Room> {
    const { candidates, rooms } = this.#draft;
    if (item.members.length === 1) {
      return candidates.ranked(this.#draft.seeker(leader.unit, leader.record));
    }
    const fitting = [...rooms.values()].filter((room) =>
      item.members.every((member) => fits(this.#together(member, item, room), room, [])),
    );
    return ranked(this.#draft.peer(leader.unit), fitting);
  }

  /** The member as it applies when the whole item is in that room. */
  #together({ unit, record }: Homeless, item: Item, room: Room): Applicant {
    const applicant = this.#draft.seeker(unit, record);
    const names = new Set(item.members.map((member) => member.unit));
    return {
      ...applicant,
      placeOf: (target) =>
        names.has(target) ? { kind: 'on', machine: room.machine.id } : applicant.placeOf(target),
    };
  }

  /** Depth first, the item with the fewest rooms left next. */
  *#solve(items: readonly Item[], chosen: Map<Item, Room>): Steps<boolean> {
    const open: { readonly item: Item; readonly rooms: readonly Room[] }[] = [];
    for (const item of items) {
      yield;
      if (chosen.has(item)) continue;
      open.push({ item, rooms: item.rooms.filter((room) => this.#isFree(item, room, chosen)) });
    }
    const [next] = open.sort((left, right) => left.rooms.length - right.rooms.length);
    if (next === undefined) return true;
    for (const room of next.rooms) {
      this.#stepCount += open.length;
      if (this.#stepCount > limits.repairStepsMax) return false;
      chosen.set(next.item, room);
      if (yield* this.#solve(items, chosen)) return true;
      chosen.delete(next.item);
    }
    return false;
  }

  #isFree(item: Item, room: Room, chosen: ReadonlyMap<Item, Room>): boolean {
    for (const [other, place] of chosen) {
      if (place === room && this.#conflicts(item.peers, other.peers)) return false;
    }
    return true;
  }

  #seatAll(
    one: Homeless,
    chosen: ReadonlyMap<Item, Room>,
    before: ReadonlyMap<UnitName, Seat>,
  ): void {
    for (const [{ members }, { machine }] of chosen) {
      for (const { unit, why } of members) {
        const seat = before.get(unit);
        const isKept = seat?.machine === machine.id;
        const words = unit === one.unit ? 'others made room' : `makes room for ${one.unit}`;
        this.#draft.seat(unit, isKept ? seat : placedOn(machine.id, why ?? words));
      }
      for (const { unit, record } of members) {
        for (const target of record.requirements.machineOf) {
          if (this.#draft.seats.get(target)?.kind === 'placed') this.#draft.join(target, unit);
        }
      }
    }
  }
}

function placedOn(machine: MachineId, why: string): Seat {
  return { kind: 'placed', machine, why };
}
