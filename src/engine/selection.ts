import { Bits, bitCount } from './bits.ts';

/** The numbers that are in all of some sets, at least one, and in none of others. */
export interface Selection {
  readonly all: readonly [Bits, ...Bits[]];
  readonly none: readonly Bits[];
}

/**
 * The first number of the selection from `start` to before `end`, or -1. Most words are empty in the
 * first two sets already.
 */
export function firstOf(selection: Selection, start: number, end: number): number {
  const [first, second = first] = selection.all;
  const [one, other] = [first.words, second.words];
  const wordEnd = Math.min(one.length, (end + 31) >>> 5);
  for (let word = start >>> 5; word < wordEnd; word += 1) {
    let bits = (one[word] ?? 0) & (other[word] ?? 0);
    if (bits === 0) continue;
    bits &= wordOf(selection, word);
    if (word === start >>> 5) bits &= -1 << (start & 31);
    if (bits === 0) continue;
    const index = (word << 5) + (31 - Math.clz32(bits & -bits));
    return index < end ? index : -1;
  }
  return -1;
}

/** How many it has. */
export function countOf(selection: Selection): number {
  const [first, ...others] = selection.all;
  if (others.length + selection.none.length === 0) return first.count;
  let count = 0;
  for (let word = 0; word < first.words.length; word += 1) {
    count += bitCount(wordOf(selection, word));
  }
  return count;
}

/** The selection as a set of its own. */
export function bitsOf(selection: Selection, capacity: number): Bits {
  const bits = new Bits(capacity);
  bits.fill((word) => wordOf(selection, word));
  return bits;
}

function wordOf({ all, none }: Selection, word: number): number {
  let bits = all[0].words[word] ?? 0;
  for (let index = 1; bits !== 0 && index < all.length; index += 1) {
    bits &= all[index]?.words[word] ?? 0;
  }
  for (let index = 0; bits !== 0 && index < none.length; index += 1) {
    bits &= ~(none[index]?.words[word] ?? 0);
  }
  return bits;
}
