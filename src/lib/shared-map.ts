import type { Comparable } from './changed-keys.ts';
import { hashRank } from './order.ts';

type Part<Key, Value> = ReadonlyMap<Key, Value>;
type Group<Key, Value> = readonly Part<Key, Value>[];

/** Parts are kept in groups of so many: what is shared is passed over a group at a time. */
export const groupPartsMax = 64;

/** The parts of a map: the first group has the first parts, and so on. */
export type Groups<Key, Value> = readonly Group<Key, Value>[];

/**
 * A map in parts. Two of one origin share the parts in which they are equal, so that neither a copy
 * nor a comparison has to look at everything. It never changes, and has no order of its own.
 */
export class SharedMap<Key extends string, Value> implements Comparable<Key, Value> {
  readonly size: number;
  readonly #groups: Groups<Key, Value>;
  readonly #partCount: number;

  /** Each key is in the part that `partOf` says. */
  constructor(groups: Groups<Key, Value>, partCount: number, size: number) {
    this.#groups = groups;
    this.#partCount = partCount;
    this.size = size;
  }

  get(key: Key): Value | undefined {
    if (this.size === 0) return undefined;
    return this.#part(partOf(key, this.#partCount))?.get(key);
  }

  has(key: Key): boolean {
    if (this.size === 0) return false;
    return this.#part(partOf(key, this.#partCount))?.has(key) === true;
  }

  *entries(): MapIterator<[Key, Value]> {
    for (const group of this.#groups) for (const part of group) yield* part;
  }

  *keys(): MapIterator<Key> {
    for (const group of this.#groups) for (const part of group) yield* part.keys();
  }

  *values(): MapIterator<Value> {
    for (const group of this.#groups) for (const part of group) yield* part.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  forEach(run: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this) run(value, key, this);
  }

  *differingParts(
    other: ReadonlyMap<Key, Value>,
  ): Iterable<readonly [ReadonlyMap<Key, Value>, ReadonlyMap<Key, Value>]> {
    if (!(other instanceof SharedMap)) {
      yield [other, this];
      return;
    }
    const before: SharedMap<Key, Value> = other;
    const counts = [before.#partCount, this.#partCount] as const;
    if (Math.min(...counts) * 2 < Math.max(...counts)) {
      yield [other, this]; // little is shared, and to put parts together would be a copy of all
      return;
    }
    if (before.#partCount <= this.#partCount) return yield* before.#pairs(this);
    for (const [is, was] of this.#pairs(before)) yield [was, is];
  }

  /** Our parts that differ, each with what has become of it in a map of as many parts or more. */
  *#pairs(grown: SharedMap<Key, Value>): Iterable<[Part<Key, Value>, Part<Key, Value>]> {
    const split = splitsBetween(this.#partCount, grown.#partCount);
    for (const [place, group] of this.#groups.entries()) {
      const others = grown.#groups[place];
      if (others === undefined || others === group) continue;
      for (const [index, part] of group.entries()) {
        const other = others[index];
        if (other === undefined || other === part) continue;
        const from = split.get(place * groupPartsMax + index) ?? [];
        const all = [other, ...from.flatMap((number) => grown.#part(number) ?? [])];
        yield [part, all.length === 1 ? other : new Map(all.flatMap((one) => [...one]))];
      }
    }
  }

  #part(number: number): Part<Key, Value> | undefined {
    return this.#groups[Math.floor(number / groupPartsMax)]?.[number % groupPartsMax];
  }
}

/**
 * In which of so many parts a key is. With one part more, one part is split in two and all others
 * stay as they are (linear hashing): a map grows a little at a time.
 */
export function partOf(key: string, partCount: number): number {
  if (partCount === 1) return 0;
  const rank = hashRank(key);
  const number = rank & (2 * highestBit(partCount - 1) - 1);
  return number < partCount ? number : number - highestBit(number);
}

/** The part that is split when there are to be more than so many. */
export function splitNext(partCount: number): number {
  return partCount - highestBit(partCount);
}

/** What came out of each part while there were more and more of them. */
function splitsBetween(fewer: number, more: number): ReadonlyMap<number, readonly number[]> {
  const split = new Map<number, number[]>();
  for (let partCount = fewer; partCount < more; partCount += 1) {
    let origin = splitNext(partCount);
    while (origin >= fewer) origin -= highestBit(origin);
    const known = split.get(origin);
    if (known === undefined) split.set(origin, [partCount]);
    else known.push(partCount);
  }
  return split;
}

/** The largest power of two that is not above it; for 1 and more. */
function highestBit(number: number): number {
  return 2 ** (31 - Math.clz32(number));
}
