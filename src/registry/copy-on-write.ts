import { partOf, SharedMap } from '../lib/shared-map.ts';

/** A part with more entries than this, on average, is split with all others. */
const entriesPerPartMax = 64;

/**
 * A map that is handed out as it is and copied before its next change, part by part: whatever
 * changes until it is handed out again, a part is copied once, and the others not at all.
 */
export class CowMap<Key extends string, Value> {
  #parts: Map<Key, Value>[] = [new Map()];
  /** Of each part, since which handing out it is a copy of ours. */
  #owned: number[] = [0];
  #sharedCount = 0;
  #shared: ReadonlyMap<Key, Value> | null = null;
  #size = 0;

  /** The map as it is now; it never changes any more. */
  share(): ReadonlyMap<Key, Value> {
    if (this.#shared !== null) return this.#shared;
    this.#sharedCount += 1;
    this.#shared = new SharedMap(this.#parts.slice(), this.#size);
    return this.#shared;
  }

  get(key: Key): Value | undefined {
    return this.#parts[partOf(key, this.#parts.length)]?.get(key);
  }

  /** Sets an entry, or with null takes it out. */
  set(key: Key, value: Value | null): void {
    const index = partOf(key, this.#parts.length);
    const part = this.#parts[index];
    if (value === null && part?.has(key) !== true) return;
    this.#shared = null;
    const own = this.#own(index, part);
    this.#size -= own.size;
    if (value === null) own.delete(key);
    else own.set(key, value);
    this.#size += own.size;
    if (this.#size > this.#parts.length * entriesPerPartMax) this.#split();
  }

  get size(): number {
    return this.#size;
  }

  #own(index: number, part: ReadonlyMap<Key, Value> | undefined): Map<Key, Value> {
    const known = this.#parts[index];
    if (known !== undefined && this.#owned[index] === this.#sharedCount) return known;
    const own = new Map(part);
    this.#parts[index] = own;
    this.#owned[index] = this.#sharedCount;
    return own;
  }

  #split(): void {
    const partCount = this.#parts.length * 2;
    const parts = Array.from({ length: partCount }, () => new Map<Key, Value>());
    for (const part of this.#parts) {
      for (const [key, value] of part) parts[partOf(key, partCount)]?.set(key, value);
    }
    this.#parts = parts;
    this.#owned = parts.map(() => this.#sharedCount);
  }
}

/** The same for a set. */
export class CowSet<Value> {
  #set = new Set<Value>();
  #isShared = false;

  share(): ReadonlySet<Value> {
    this.#isShared = true;
    return this.#set;
  }

  add(value: Value): void {
    if (!this.#set.has(value)) this.#own().add(value);
  }

  delete(value: Value): void {
    if (this.#set.has(value)) this.#own().delete(value);
  }

  #own(): Set<Value> {
    if (this.#isShared) {
      this.#set = new Set(this.#set);
      this.#isShared = false;
    }
    return this.#set;
  }
}

/** The same for maps of maps: a change copies one row and the list of rows. Empty rows go. */
export class CowTable<Row extends string, Column extends string, Value> {
  readonly #rows = new Map<Row, CowMap<Column, Value>>();
  readonly #shown = new CowMap<Row, ReadonlyMap<Column, Value>>();
  readonly #changed = new Set<Row>();

  share(): ReadonlyMap<Row, ReadonlyMap<Column, Value>> {
    for (const row of this.#changed) {
      this.#shown.set(row, this.#rows.get(row)?.share() ?? null);
    }
    this.#changed.clear();
    return this.#shown.share();
  }

  set(row: Row, column: Column, value: Value | null): void {
    const columns = this.#rows.get(row) ?? new CowMap<Column, Value>();
    columns.set(column, value);
    if (columns.size === 0) this.#rows.delete(row);
    else this.#rows.set(row, columns);
    this.#changed.add(row);
  }
}
