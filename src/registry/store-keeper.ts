import type { Clock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { KeeperCounts, KeptLease, LeaseEvents, LeaseKeeper } from './lease-keeper.ts';
import { patienceMsFor, type RenewalOutcome, renewInTurns } from './renewal-turns.ts';
import type { Store } from './store.ts';

/**
 * Renews through the store itself, in the loop that does everything else: for simulations and
 * tests, where that loop is never stuck. A daemon has a `KeeperThread`.
 */
export class StoreKeeper implements LeaseKeeper {
  readonly #store: Store;
  readonly #clock: Clock;
  #ending = new AbortController();

  constructor(store: Store, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  keep(lease: KeptLease, events: LeaseEvents): () => void {
    this.#ending.abort();
    const ending = new AbortController();
    this.#ending = ending;
    const { signal } = ending;
    const turn = (): Promise<RenewalOutcome> => this.#renew(lease, events, signal);
    const what = { ttlMs: lease.ttlMs, clock: this.#clock, atOnce: false, turn };
    void renewInTurns(what, signal); // reports through the events, never rejects
    return () => ending.abort();
  }

  lead(): void {
    // The term ends with this loop.
  }

  async mayHold(): Promise<void> {
    // Always: whoever asks is alive.
  }

  expectSystemd(): void {
    // Not judged here.
  }

  systemdAnswered(): void {
    // Not judged here.
  }

  counts(): KeeperCounts {
    const withheld = { loop: 0, systemd: 0 };
    return { withheld, stoodDownCount: 0, sleptCount: 0, restartCount: 0 };
  }

  close(): void {
    this.#ending.abort();
  }

  async #renew(
    { leaseId, ttlMs }: KeptLease,
    events: LeaseEvents,
    signal: AbortSignal,
  ): Promise<RenewalOutcome> {
    try {
      const sentAtMs = this.#clock.nowMs();
      const standing = await this.#store.renewLease(leaseId, patienceMsFor(ttlMs), signal);
      if (signal.aborted) return 'failed';
      if (standing === null) events.gone(true);
      else events.answered({ sentAtMs, atMs: this.#clock.nowMs() });
      return standing === null ? 'gone' : 'renewed';
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      if (!signal.aborted) events.failed(messageOf(thrown));
      return 'failed';
    }
  }
}
