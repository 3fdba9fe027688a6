// sim: whole clusters in memory, on a virtual clock, everything drawn from one seed.
// Knows every part of the product but its adapters to etcd, D-Bus and HTTP, which it stands in for.
// Start with simulation.ts (one run), then checks.ts (what must never be) and settled.ts (the end).

/** Chance from a seed: the same numbers on every computer. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Another stream of numbers, which does not disturb this one by how many are drawn from it. */
  fork(): Random {
    return new Random(this.#next());
  }

  /** At least 0 and below 1. */
  share(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number, both ends included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.share() * (high - low + 1));
  }

  chance(share: number): boolean {
    return this.share() < share;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.between(0, choices.length - 1)];
    if (choice === undefined) throw new Error('nothing to pick from');
    return choice;
  }

  /** Each of them with that chance. */
  some<T>(choices: readonly T[], share: number): T[] {
    return choices.filter(() => this.chance(share));
  }

  /** As many hexadecimal digits. */
  hex(countMax: number): string {
    let text = '';
    while (text.length < countMax) text += this.#next().toString(16).padStart(8, '0');
    return text.slice(0, countMax);
  }

  /** splitmix32. */
  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  }
}
