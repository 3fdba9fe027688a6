import type { Clock } from '../lib/clock.ts';
import type { LeaseBeat } from './partition-guard.ts';

/**
 * How old the last renewal of this machine's lease is. Once that is as old as the TTL, the leader may
 * have given the machine's units to others: what runs here goes on, and nothing is started.
 */
export class LeaseAge {
  readonly #clock: Clock;
  readonly #lease: LeaseBeat | null;
  #renewedAtMs = Number.NEGATIVE_INFINITY;

  /** `lease` null: there is none to ask about. `nudge`: units may start that could not before. */
  constructor(lease: LeaseBeat | null, clock: Clock, nudge: () => void) {
    this.#clock = clock;
    this.#lease = lease;
    lease?.onRenewed((sentAtMs) => {
      const couldNot = this.whyNoStart() !== null;
      this.#renewedAtMs = Math.max(this.#renewedAtMs, sentAtMs); // answers may overtake one another
      if (couldNot) nudge();
    });
  }

  /** Why no unit is started here now, in words; null when they are. */
  whyNoStart(): string | null {
    if (this.#lease === null) return null;
    if (this.#clock.nowMs() - this.#renewedAtMs < this.#lease.ttlMs) return null;
    return 'this machine was cut off for its TTL: its units may run elsewhere';
  }
}
