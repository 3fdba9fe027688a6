import { groupPartsMax, partOf, SharedMap, splitNext } from '../lib/shared-map.ts';

/** A map with more entries a part than this, on average, gets one part more. */
const entriesPerPartMax = 64;

/**
 * A map that is handed out as it is and copied before its next change, part by part: whatever
 * changes until it is handed out again, a part is copied once, and the others not at all.
 */
export class CowMap<Key extends string, Value> {
  readonly #groups: Map<Key, Value>[][] = [[new Map()]];
  #partCount = 1;
  /** Of each group, and of each part, since which handing out it is a copy of ours. */
  readonly #groupsSince: number[] = [0];
  readonly #partsSince: number[] = [0];
  #sharedCount = 0;
  #shared: ReadonlyMap<Key, Value> | null = null;
  #size = 0;

  /** The map as it is now; it never changes any more. */
  share(): ReadonlyMap<Key, Value> {
    if (this.#shared !== null) return this.#shared;
    this.#sharedCount += 1;
    this.#shared = new SharedMap(this.#groups.slice(), this.#partCount, this.#size);
    return this.#shared;
  }

  get(key: Key): Value | undefined {
    return this.#part(partOf(key, this.#partCount))?.get(key);
  }

  /** Sets an entry, or with null takes it out. */
  set(key: Key, value: Value | null): void {
    const number = partOf(key, this.#partCount);
    if (value === null && this.#part(number)?.has(key) !== true) return;
    this.#shared = null;
    const own = this.#own(number);
    this.#size -= own.size;
    if (value === null) own.delete(key);
    else own.set(key, value);
    this.#size += own.size;
    if (this.#size > this.#partCount * entriesPerPartMax) this.#grow();
  }

  get size(): number {
    return this.#size;
  }

  #part(number: number): Map<Key, Value> | undefined {
    return this.#groups[Math.floor(number / groupPartsMax)]?.[number % groupPartsMax];
  }

  /** A part that nobody else has. */
  #own(number: number): Map<Key, Value> {
    const known = this.#part(number);
    if (known !== undefined && this.#partsSince[number] === this.#sharedCount) return known;
    const own = new Map(known);
    this.#put(number, own);
    return own;
  }

  #put(number: number, part: Map<Key, Value>): void {
    const place = Math.floor(number / groupPartsMax);
    const group = this.#groups[place] ?? [];
    const ownGroup = this.#groupsSince[place] === this.#sharedCount ? group : group.slice();
    ownGroup[number % groupPartsMax] = part;
    this.#groups[place] = ownGroup;
    this.#groupsSince[place] = this.#sharedCount;
    this.#partsSince[number] = this.#sharedCount;
  }

  /** One part more, which takes its entries from one other. */
  #grow(): void {
    const added = this.#partCount;
    const from = this.#own(splitNext(added));
    this.#partCount += 1;
    const part = new Map<Key, Value>();
    for (const [key, value] of from) {
      if (partOf(key, this.#partCount) !== added) continue;
      part.set(key, value);
      from.delete(key);
    }
    this.#put(added, part);
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
