import { WideMap } from '../lib/wide-map.ts';
import { matchesGlob } from '../unitfile/glob.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { Occupancy } from './levels.ts';
import type { Tenant } from './room.ts';

/** One glob of names, and where it matters. */
interface Avoidance {
  readonly pattern: string;
  /** Rooms with a tenant of such a name. */
  readonly matched: Occupancy;
  /** Rooms with a tenant that avoids such names. */
  readonly avoiders: Occupancy;
}

/** Which globs match which names, each pair found once, and which rooms have either. */
export class GlobIndex {
  readonly #capacity: number;
  readonly #byPattern = new Map<string, Avoidance>();
  /** By what every matching name begins with, up to the first character that is not literal. */
  readonly #byPrefix = new Map<string, Avoidance[]>();
  readonly #prefixLengths = new Set<number>();
  readonly #byName = new WideMap<UnitName, readonly Avoidance[]>();
  readonly #slotsOf: (unit: UnitName) => Iterable<number>;

  /** `slotsOf` tells in which rooms there is a tenant of that name. */
  constructor(capacity: number, slotsOf: (unit: UnitName) => Iterable<number>) {
    this.#capacity = capacity;
    this.#slotsOf = slotsOf;
  }

  /** How much it remembers: names and globs that are gone as well. */
  get size(): number {
    return this.#byPattern.size + this.#byName.size;
  }

  /** Knows a glob from now on. Looks at every name once: have them known before names enter. */
  know(pattern: string, entering?: { readonly name: UnitName; readonly slot: number }): Avoidance {
    const known = this.#byPattern.get(pattern);
    if (known !== undefined) return known;
    const fresh: Avoidance = {
      pattern,
      matched: new Occupancy(this.#capacity, false),
      avoiders: new Occupancy(this.#capacity, false),
    };
    this.#byPattern.set(pattern, fresh);
    const prefix = literalPrefix(pattern);
    const others = this.#byPrefix.get(prefix);
    if (others === undefined) this.#byPrefix.set(prefix, [fresh]);
    else others.push(fresh);
    this.#prefixLengths.add(prefix.length);
    for (const [name, before] of this.#byName) {
      if (!name.startsWith(prefix) || !matchesGlob(pattern, name)) continue;
      this.#byName.set(name, [...before, fresh]);
      for (const slot of this.#slotsOf(name)) {
        const isEntering = entering?.name === name && entering.slot === slot; // is counted next
        if (!isEntering) fresh.matched.count(slot, 1);
      }
    }
    return fresh;
  }

  /** The globs that match a name. */
  matching(name: UnitName): readonly Avoidance[] {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    let found = none;
    for (const length of this.#prefixLengths) {
      for (const one of this.#byPrefix.get(name.slice(0, length)) ?? none) {
        if (matchesGlob(one.pattern, name)) found = [...found, one];
      }
    }
    this.#byName.set(name, found);
    return found;
  }

  /** Somebody has come into a room, or gone. */
  count({ name, avoids }: Tenant, slot: number, step: 1 | -1): void {
    for (const pattern of avoids) this.know(pattern, { name, slot });
    for (const { matched } of this.matching(name)) matched.count(slot, step);
    for (const pattern of avoids) this.know(pattern).avoiders.count(slot, step);
  }
}

const none: readonly Avoidance[] = [];

function literalPrefix(pattern: string): string {
  const end = pattern.search(/[*?[\\]/);
  return end === -1 ? pattern : pattern.slice(0, end);
}
