import type { Clock } from '../lib/clock.ts';

/** How many jobs may be under way. */
export interface SlotLimits {
  readonly fastCountMax: number;
  /** A job that is older moves to the slow slots, if one is free. */
  readonly fastMsMax: number;
  readonly slowCountMax: number;
}

/**
 * Turns for jobs, first come, first served. A job holds one of a few fast slots; when it lasts, it
 * moves to one of many slow slots, so that a few image pulls do not hold up a machine.
 */
export class JobSlots {
  readonly #limits: SlotLimits;
  readonly #clock: Clock;
  readonly #waiting: (() => void)[] = [];
  /** Fast jobs that are old enough to be slow, oldest first. */
  readonly #overdue: (() => void)[] = [];
  #fastCount = 0;
  #slowCount = 0;

  constructor(limits: SlotLimits, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Jobs under way now. */
  get count(): number {
    return this.#fastCount + this.#slowCount;
  }

  /** Runs `job` when its turn comes. An abort before that gives the turn up and rejects. */
  async run<T>(job: () => Promise<T>, signal: AbortSignal): Promise<T> {
    await this.#turn(signal);
    const release = this.#hold();
    try {
      return await job();
    } finally {
      release();
    }
  }

  #turn(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason);
    if (this.#fastCount < this.#limits.fastCountMax && this.#waiting.length === 0) {
      this.#fastCount += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      this.#waiting.push(begin);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Starts the time of a job that has a fast slot; returns what gives back whichever it has. */
  #hold(): () => void {
    let isSlow = false;
    const move = (): void => {
      isSlow = true;
      this.#slowCount += 1;
      this.#freeFast();
    };
    const cancel = this.#clock.after(this.#limits.fastMsMax, () => {
      this.#overdue.push(move);
      this.#moveOverdue();
    });
    return () => {
      cancel();
      if (isSlow) {
        this.#slowCount -= 1;
        this.#moveOverdue();
        return;
      }
      const place = this.#overdue.indexOf(move);
      if (place >= 0) this.#overdue.splice(place, 1);
      this.#freeFast();
    };
  }

  #moveOverdue(): void {
    while (this.#slowCount < this.#limits.slowCountMax) {
      const move = this.#overdue.shift();
      if (move === undefined) return;
      move();
    }
  }

  /** A fast slot is free: the next one waiting takes it. */
  #freeFast(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#fastCount -= 1;
    else next();
  }
}
