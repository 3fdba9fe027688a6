/** A set of small whole numbers, which sets can be taken from and counted quickly. */
export class Bits {
  readonly words: Uint32Array;

  constructor(capacity: number) {
    this.words = new Uint32Array((capacity + 31) >>> 5);
  }

  has(index: number): boolean {
    return ((this.words[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  add(index: number): void {
    const word = index >>> 5;
    this.words[word] = (this.words[word] ?? 0) | (1 << (index & 31));
  }

  delete(index: number): void {
    const word = index >>> 5;
    this.words[word] = (this.words[word] ?? 0) & ~(1 << (index & 31));
  }

  /** Becomes the same set as the other, of the same capacity. */
  copy(other: Bits): void {
    this.words.set(other.words);
  }

  addAll(other: Bits): void {
    const { words } = this;
    for (let word = 0; word < words.length; word += 1) {
      words[word] = (words[word] ?? 0) | (other.words[word] ?? 0);
    }
  }

  deleteAll(other: Bits): void {
    const { words } = this;
    for (let word = 0; word < words.length; word += 1) {
      words[word] = (words[word] ?? 0) & ~(other.words[word] ?? 0);
    }
  }

  keepAll(other: Bits): void {
    const { words } = this;
    for (let word = 0; word < words.length; word += 1) {
      words[word] = (words[word] ?? 0) & (other.words[word] ?? 0);
    }
  }

  get count(): number {
    let count = 0;
    for (const word of this.words) count += word === 0 ? 0 : bitCount(word);
    return count;
  }

  /** The first number of both sets from `start` to before `end`, or -1. */
  shared(other: Bits, start: number, end: number): number {
    const { words } = this;
    for (let word = start >>> 5; word < words.length && word << 5 < end; word += 1) {
      let shared = (words[word] ?? 0) & (other.words[word] ?? 0);
      if (word === start >>> 5) shared &= -1 << (start & 31);
      if (shared === 0) continue;
      const index = (word << 5) + (31 - Math.clz32(shared & -shared));
      return index < end ? index : -1;
    }
    return -1;
  }
}

function bitCount(word: number): number {
  let pairs = word - ((word >>> 1) & 0x55555555);
  pairs = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
