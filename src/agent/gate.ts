/** Lets at most so many run at the same time; the others wait in order. */
export class Gate {
  readonly #countMax: number;
  readonly #waiting: (() => void)[] = [];
  #count = 0;

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Waits for a place, runs `work`, gives the place to the next one. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#count < this.#countMax) this.#count += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#count -= 1;
      else next();
    }
  }
}
