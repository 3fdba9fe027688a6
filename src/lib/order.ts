/** Compares two strings by code unit: the same answer on every machine and in every locale. */
export function byText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/**
 * A 32-bit number that depends on `text` and on nothing else, evenly spread (FNV-1a, finished like
 * MurmurHash3): ties are broken by it, so that they fall equally on every machine.
 */
export function hashRank(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
