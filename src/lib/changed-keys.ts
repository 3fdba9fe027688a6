import { finished, type Steps } from './steps.ts';

const limits = { keysPerStep: 256 } as const;

/** A map that can tell in what it differs from an older one without looking at all of either. */
export interface Comparable<Key, Value> extends ReadonlyMap<Key, Value> {
  /** Pairs of parts, the other's first, that may differ; everything outside them is shared. */
  differingParts(
    other: ReadonlyMap<Key, Value>,
  ): Iterable<readonly [ReadonlyMap<Key, Value>, ReadonlyMap<Key, Value>]>;
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

/** Values that only one of the sets has. */
export function changedMembers<Value>(
  before: ReadonlySet<Value>,
  after: ReadonlySet<Value>,
): Value[] {
  if (before === after) return [];
  const added = [...after].filter((value) => !before.has(value));
  return [...added, ...[...before].filter((value) => !after.has(value))];
}

function isComparable<Key, Value>(map: ReadonlyMap<Key, Value>): map is Comparable<Key, Value> {
  return 'differingParts' in map;
}
