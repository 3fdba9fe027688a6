import { finished, type Steps } from './steps.ts';

const limits = { keysPerStep: 256 } as const;

/** A map that can tell in what it differs from an older one without looking at all of either. */
export interface Comparable<Key, Value> extends ReadonlyMap<Key, Value> {
  /** Pairs of parts, the other's first, that may differ; everything outside them is shared. */
  differingParts(
    other: ReadonlyMap<Key, Value>,
  ): Iterable<readonly [ReadonlyMap<Key, Value>, ReadonlyMap<Key, Value>]>;
}

/** What a set and a map have in common: which keys there are. */
export interface KeySet<Key> {
  readonly size: number;
  has(key: Key): boolean;
  keys(): Iterable<Key>;
}

/** Keys whose value is not the same object in both maps, or is in only one of them; each once. */
export function changedKeys<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  after: ReadonlyMap<Key, Value>,
): Key[] {
  return finished(findChangedKeys(before, after));
}

/** The same in steps. */
export function* findChangedKeys<Key, Value>(
  before: ReadonlyMap<Key, Value>,
  after: ReadonlyMap<Key, Value>,
): Steps<Key[]> {
  if (before === after) return [];
  const parts = isComparable(after) ? after.differingParts(before) : [[before, after] as const];
  const changed: Key[] = [];
  for (const [was, is] of parts) {
    let keyCount = 0;
    for (const [key, value] of is) {
      keyCount += 1;
      if (keyCount % limits.keysPerStep === 0) yield;
      if (was.get(key) !== value || !was.has(key)) changed.push(key);
    }
    for (const key of was.keys()) if (!is.has(key)) changed.push(key);
  }
  return changed;
}

/** Keys that only one of both has; cheap where both are maps that share their parts. */
export function* findChangedMembers<Key>(before: KeySet<Key>, after: KeySet<Key>): Steps<Key[]> {
  if (before === after) return [];
  if (isMap(before) && isMap(after)) return yield* findChangedKeys(before, after);
  return changedMembers(new Set(before.keys()), new Set(after.keys()));
}

/** Values that only one of the sets has. */
export function changedMembers<Value>(
  before: ReadonlySet<Value>,
  after: ReadonlySet<Value>,
): Value[] {
  if (before === after) return [];
  const added = [...after].filter((value) => !before.has(value));
  return [...added, ...[...before].filter((value) => !after.has(value))];
}

function isMap<Key>(keys: KeySet<Key>): keys is ReadonlyMap<Key, unknown> {
  return 'get' in keys;
}

function isComparable<Key, Value>(map: ReadonlyMap<Key, Value>): map is Comparable<Key, Value> {
  return 'differingParts' in map;
}
