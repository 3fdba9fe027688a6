/**
 * Maps and sets of any number of names that grow a little at a time. A `Map` doubles in one go, and
 * reads every key's text for that: three that did so together at 65,536 names took 104 ms. These
 * are in parts that double at different times. They have no order of their own.
 */

const limits = { partCount: 128, charsSampled: 12 } as const;

/** A map of names. */
export class WideMap<Key extends string, Value> implements ReadonlyMap<Key, Value> {
  readonly #parts: Map<Key, Value>[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(key: Key): Value | undefined {
    if (this.#size === 0) return undefined;
    return this.#parts[partOf(key)]?.get(key);
  }

  has(key: Key): boolean {
    if (this.#size === 0) return false;
    return this.#parts[partOf(key)]?.has(key) === true;
  }

  set(key: Key, value: Value): void {
    const number = partOf(key);
    const part = this.#parts[number] ?? this.#begin(number);
    const before = part.size;
    part.set(key, value);
    this.#size += part.size - before;
  }

  delete(key: Key): boolean {
    if (this.#size === 0) return false;
    const isGone = this.#parts[partOf(key)]?.delete(key) === true;
    if (isGone) this.#size -= 1;
    return isGone;
  }

  clear(): void {
    this.#parts.length = 0;
    this.#size = 0;
  }

  *entries(): MapIterator<[Key, Value]> {
    for (const part of this.#parts) if (part !== undefined) yield* part;
  }

  *keys(): MapIterator<Key> {
    for (const part of this.#parts) if (part !== undefined) yield* part.keys();
  }

  *values(): MapIterator<Value> {
    for (const part of this.#parts) if (part !== undefined) yield* part.values();
  }

  [Symbol.iterator](): MapIterator<[Key, Value]> {
    return this.entries();
  }

  forEach(run: (value: Value, key: Key, map: ReadonlyMap<Key, Value>) => void): void {
    for (const [key, value] of this) run(value, key, this);
  }

  #begin(number: number): Map<Key, Value> {
    while (this.#parts.length < limits.partCount) this.#parts.push(new Map());
    return this.#parts[number] as Map<Key, Value>; // there are as many as partOf counts
  }
}

/** A set of names. */
export class WideSet<Key extends string> implements ReadonlySet<Key> {
  readonly #map = new WideMap<Key, Key>();

  constructor(keys: Iterable<Key> = []) {
    for (const key of keys) this.add(key);
  }

  get size(): number {
    return this.#map.size;
  }

  has(key: Key): boolean {
    return this.#map.has(key);
  }

  add(key: Key): void {
    this.#map.set(key, key);
  }

  delete(key: Key): boolean {
    return this.#map.delete(key);
  }

  clear(): void {
    this.#map.clear();
  }

  keys(): SetIterator<Key> {
    return this.#map.keys();
  }

  values(): SetIterator<Key> {
    return this.#map.keys();
  }

  *entries(): SetIterator<[Key, Key]> {
    for (const key of this.#map.keys()) yield [key, key];
  }

  [Symbol.iterator](): SetIterator<Key> {
    return this.#map.keys();
  }

  forEach(run: (value: Key, key: Key, set: ReadonlySet<Key>) => void): void {
    for (const key of this.#map.keys()) run(key, key, this);
  }
}

/** In which part a name is: by some characters where names of units differ most, before the type. */
export function partOf(key: string): number {
  let number = key.length;
  const last = Math.max(key.length - typeLength, 1);
  for (let index = Math.max(last - limits.charsSampled, 0); index < last; index += 1) {
    number = (number * 31 + key.charCodeAt(index)) | 0;
  }
  return (number ^ (number >>> 7)) & (limits.partCount - 1);
}

/** `.service`, by far the most common. */
const typeLength = 8;
