import type { Comparable } from './changed-keys.ts';
import { hashRank } from './order.ts';

type Part<Key, Value> = ReadonlyMap<Key, Value>;

/**
 * A map in parts. Two of one origin share the parts in which they are equal, so that neither a copy
 * nor a comparison has to look at everything. It never changes, and has no order of its own.
 */
export class SharedMap<Key extends string, Value> implements Comparable<Key, Value> {
  readonly size: number;
  readonly #parts: readonly Part<Key, Value>[];

  /** The count of parts is a power of two; each key is in the part that `partOf` says. */
  constructor(parts: readonly Part<Key, Value>[], size: number) {
    this.#parts = parts;
    this.size = size;
  }

  get(key: Key): Value | undefined {
    return this.#parts[partOf(key, this.#parts.length)]?.get(key);
  }

  has(key: Key): boolean {
    return this.#parts[partOf(key, this.#parts.length)]?.has(key) === true;
  }

  *entries(): MapIterator<[Key, Value]> {
    for (const part of this.#parts) yield* part;
  }

  *keys(): MapIterator<Key> {
    for (const part of this.#parts) yield* part.keys();
  }

  *values(): MapIterator<Value> {
    for (const part of this.#parts) yield* part.values();
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
    if (!(other instanceof SharedMap) || other.#parts.length !== this.#parts.length) {
      yield [other, this];
      return;
    }
    for (const [index, part] of this.#parts.entries()) {
      const before: Part<Key, Value> | undefined = other.#parts[index];
      if (before !== undefined && before !== part) yield [before, part];
    }
  }
}

/** In which of so many parts a key is. */
export function partOf(key: string, partCount: number): number {
  return partCount === 1 ? 0 : hashRank(key) & (partCount - 1);
}
