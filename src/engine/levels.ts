import { Bits } from './bits.ts';

/** Rooms by a small number each of them has, e.g. how many units are in it. */
export class Levels {
  readonly #levels = new Map<number, { readonly bits: Bits; count: number }>();
  readonly #capacity: number;
  #sorted: readonly number[] | null = null;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(slot: number, level: number): void {
    let one = this.#levels.get(level);
    if (one === undefined) {
      one = { bits: new Bits(this.#capacity), count: 0 };
      this.#levels.set(level, one);
      this.#sorted = null;
    }
    if (one.bits.has(slot)) return;
    one.bits.add(slot);
    one.count += 1;
  }

  delete(slot: number, level: number): void {
    const one = this.#levels.get(level);
    if (one?.bits.has(slot) !== true) return;
    one.bits.delete(slot);
    one.count -= 1;
    if (one.count > 0) return;
    this.#levels.delete(level);
    this.#sorted = null;
  }

  /** The rooms of each number, the least first. */
  *ascending(): Iterable<Bits> {
    this.#sorted ??= [...this.#levels.keys()].sort((left, right) => left - right);
    for (const level of this.#sorted) {
      const one = this.#levels.get(level);
      if (one !== undefined) yield one.bits;
    }
  }
}

/** How many of something are in each room. */
export class Occupancy {
  /** Rooms with at least one. */
  readonly bits: Bits;
  readonly levels: Levels | null;
  readonly #counts = new Map<number, number>();

  constructor(capacity: number, isRanked: boolean) {
    this.bits = new Bits(capacity);
    this.levels = isRanked ? new Levels(capacity) : null;
  }

  count(slot: number, step: 1 | -1): void {
    const before = this.#counts.get(slot) ?? 0;
    const after = before + step;
    if (before > 0) this.levels?.delete(slot, before);
    if (after > 0) {
      this.#counts.set(slot, after);
      this.bits.add(slot);
      this.levels?.add(slot, after);
    } else {
      this.#counts.delete(slot);
      this.bits.delete(slot);
    }
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }
}
