/**
 * A map that is handed out as it is and copied before its next change, once, however many changes
 * follow until it is handed out again.
 */
export class CowMap<Key, Value> {
  #map = new Map<Key, Value>();
  #isShared = false;

  /** The map as it is now; it never changes any more. */
  share(): ReadonlyMap<Key, Value> {
    this.#isShared = true;
    return this.#map;
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key);
  }

  /** Sets an entry, or with null takes it out. */
  set(key: Key, value: Value | null): void {
    if (value === null && !this.#map.has(key)) return;
    if (this.#isShared) {
      this.#map = new Map(this.#map);
      this.#isShared = false;
    }
    if (value === null) this.#map.delete(key);
    else this.#map.set(key, value);
  }

  get size(): number {
    return this.#map.size;
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
export class CowTable<Row, Column, Value> {
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
