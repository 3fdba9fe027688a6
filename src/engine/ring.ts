import { byText } from '../lib/order.ts';
import type { Room } from './room.ts';
import { firstOf, type Selection } from './selection.ts';

/**
 * Rooms in the order of their hashes, each with a slot: a number that keeps that order. Every second
 * slot is left free, so that a machine that joins rarely needs another order.
 */
export class Ring {
  readonly capacity: number;
  readonly #rooms: (Room | null)[];
  /** Those with a slot, in order; one whose machine is gone keeps it. */
  readonly #places: { readonly room: Room; readonly slot: number }[];
  readonly #slots: Map<string, number>;

  constructor(rooms: Iterable<Room>) {
    const inOrder = [...rooms].sort(compare);
    this.capacity = Math.max(64, 2 * inOrder.length + 1);
    this.#places = inOrder.map((room, index) => ({ room, slot: 2 * index + 1 }));
    this.#slots = new Map(this.#places.map(({ room, slot }) => [room.id, slot]));
    this.#rooms = [];
    for (const { room, slot } of this.#places) this.#rooms[slot] = room;
  }

  slotOf({ id }: Room): number | undefined {
    return this.#slots.get(id);
  }

  /** Gives a room its slot, the one it had if it had one; null: there is none left for it. */
  enter(room: Room): number | null {
    const known = this.#slots.get(room.id);
    if (known !== undefined) {
      this.#rooms[known] = room;
      return known;
    }
    const index = this.#after(room.hash, room);
    const before = this.#places[index - 1]?.slot ?? -1;
    const after = this.#places[index]?.slot ?? this.capacity;
    if (after - before < 2) return null;
    const slot = before + ((after - before) >> 1);
    this.#places.splice(index, 0, { room, slot });
    this.#slots.set(room.id, slot);
    this.#rooms[slot] = room;
    return slot;
  }

  leave(room: Room): void {
    const slot = this.#slots.get(room.id);
    if (slot !== undefined) this.#rooms[slot] = null;
  }

  /** The slot of the first room clockwise from a hash. */
  from(hash: number): number {
    return this.#places[this.#after(hash, null)]?.slot ?? 0;
  }

  /** The rooms of a selection, from a slot on and round. */
  *clockwise(selection: Selection, start: number): Iterable<Room> {
    const turns = [
      [start, this.capacity],
      [0, start],
    ] as const;
    for (const [from, to] of turns) {
      for (let slot = firstOf(selection, from, to); slot !== -1; ) {
        const room = this.#rooms[slot] ?? null;
        if (room !== null) yield room;
        slot = firstOf(selection, slot + 1, to);
      }
    }
  }

  /** How many places are before that hash, or before that room. */
  #after(hash: number, room: Room | null): number {
    let [low, high] = [0, this.#places.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#places[middle]?.room;
      if (other === undefined) break;
      const isBefore = room === null ? other.hash < hash : compare(other, room) < 0;
      if (isBefore) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function compare(left: Room, right: Room): number {
  return left.hash - right.hash || byText(left.id, right.id);
}
