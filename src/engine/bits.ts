/** A set of small whole numbers, which sets can be taken from and counted quickly. */
export class Bits {
  readonly words: Uint32Array;
  /** null: not counted since it changed. */
  #count: number | null = 0;

  constructor(capacity: number) {
    this.words = new Uint32Array((capacity + 31) >>> 5);
  }

  has(index: number): boolean {
    return ((this.words[index >>> 5] ?? 0) & (1 << (index & 31))) !== 0;
  }

  add(index: number): void {
    this.#count = null;
    const word = index >>> 5;
    this.words[word] = (this.words[word] ?? 0) | (1 << (index & 31));
  }

  delete(index: number): void {
    this.#count = null;
    const word = index >>> 5;
    this.words[word] = (this.words[word] ?? 0) & ~(1 << (index & 31));
  }

  addAll(other: Bits): void {
    this.fill((word) => (this.words[word] ?? 0) | (other.words[word] ?? 0));
  }

  /** Takes every word anew: 32 numbers each. */
  fill(wordAt: (word: number) => number): void {
    this.#count = null;
    const { words } = this;
    for (let word = 0; word < words.length; word += 1) words[word] = wordAt(word);
  }

  get count(): number {
    if (this.#count === null) {
      this.#count = 0;
      for (const word of this.words) this.#count += word === 0 ? 0 : bitCount(word);
    }
    return this.#count;
  }
}

/** How many of its 32 bits are set. */
export function bitCount(word: number): number {
  let pairs = word - ((word >>> 1) & 0x55555555);
  pairs = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((pairs + (pairs >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
