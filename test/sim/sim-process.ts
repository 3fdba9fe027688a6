import type { Clock } from '../../src/lib/clock.ts';

/**
 * One process of the operating system as others meet it: it can be killed, after which nothing of
 * it ever happens again, or frozen, after which everything happens late.
 */
export class SimProcess implements Clock {
  readonly #clock: Clock;
  readonly #timers = new Set<() => void>();
  readonly #late: (() => void)[] = [];
  #isFrozen = false;
  #isKilled = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isKilled(): boolean {
    return this.#isKilled;
  }

  get isFrozen(): boolean {
    return this.#isFrozen;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(ms: number, run: () => void): () => void {
    if (this.#isKilled) return () => undefined;
    let isOver = false;
    const cancelTimer = this.#clock.after(ms, () => {
      this.#timers.delete(cancel);
      this.deliver(() => {
        if (!isOver) run();
      });
    });
    const cancel = (): void => {
      isOver = true;
      this.#timers.delete(cancel);
      cancelTimer();
    };
    this.#timers.add(cancel);
    return cancel;
  }

  /** What reaches the process from outside: now, once it goes on, or never. */
  deliver(run: () => void): void {
    if (this.#isKilled) return;
    if (this.#isFrozen) this.#late.push(run);
    else run();
  }

  /** Waits until `ms` have passed and the process may go on; for ever in a killed one. */
  elapse(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (ms <= 0) this.deliver(resolve);
      else this.after(ms, resolve);
    });
  }

  /** SIGSTOP. */
  freeze(): void {
    this.#isFrozen = true;
  }

  /** SIGCONT. */
  thaw(): void {
    this.#isFrozen = false;
    for (const run of this.#late.splice(0)) this.deliver(run);
  }

  /** SIGKILL. */
  kill(): void {
    this.#isKilled = true;
    this.#late.length = 0;
    for (const cancel of [...this.#timers]) cancel();
  }
}
