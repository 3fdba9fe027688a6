import type { Clock } from '../../src/lib/clock.ts';

interface Timer {
  readonly atMs: number;
  readonly number: number;
  readonly run: () => void;
}

/** A clock that only moves when it is told to; timers run in the order of their times. */
export class ManualClock implements Clock {
  #nowMs = 0;
  #timerNumber = 0;
  readonly #timers = new Set<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return Math.floor(1_700_000_000_000 + this.#nowMs); // whole ones, as those of Date.now
  }

  after(ms: number, run: () => void): () => void {
    this.#timerNumber += 1;
    const wholeMs = Math.ceil(Math.max(ms, 0)); // as real timers, and so that sums stay exact
    const timer = { atMs: this.#nowMs + wholeMs, number: this.#timerNumber, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get pendingCount(): number {
    return this.#timers.size;
  }

  /** Moves on by `ms`, running what is due and, in between, everything that waits on promises. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settled();
    while (await this.step(endMs));
  }

  /** As when the whole process was held up: time passes, and nothing of it runs meanwhile. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /**
   * Runs the next timer that is due by then and everything that waits on promises after it; false,
   * and it is then, when there is none.
   */
  async step(endMs: number): Promise<boolean> {
    const due = this.#next(endMs);
    if (due === null) {
      this.#nowMs = Math.max(this.#nowMs, endMs);
      return false;
    }
    this.#timers.delete(due);
    this.#nowMs = Math.max(this.#nowMs, due.atMs);
    due.run();
    await settled();
    return true;
  }

  #next(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      const isLater = next !== null && timer.atMs >= next.atMs; // equal ones are in order already
      if (timer.atMs <= endMs && !isLater) next = timer;
    }
    return next;
  }
}

/** Lets every promise that can go on go on. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
