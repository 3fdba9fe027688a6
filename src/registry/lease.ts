import type { Clock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Revision } from '../model/ids.ts';
import type { LeaseKeeper, Renewal } from './lease-keeper.ts';
import { limits } from './limits.ts';
import { patienceMsFor } from './renewal-turns.ts';
import type { LeaseId, Store, StoreHeader } from './store.ts';
import type { StoreGate } from './store-gate.ts';

/** What a lease needs. */
export interface MachineLeaseOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Who renews it. */
  readonly keeper: LeaseKeeper;
  /** The TTL to ask for; etcd may grant more. */
  readonly ttlMs: number;
  /** Knows which etcd is ours; left out: whoever answers is. */
  readonly gate?: StoreGate;
}

interface Held {
  readonly leaseId: LeaseId;
  readonly ttlMs: number;
  readonly heldAtMs: number;
  /** When etcd last answered a renewal, and since when it did so in good time. Monotonic. */
  answeredAtMs: number;
  steadySinceMs: number;
  readonly ending: AbortController;
  letGo: () => void;
  /** etcd is being asked about it; nobody else renews it meanwhile. */
  isAsked: boolean;
}

/** How a lease is, for people who look: times are from the monotonic clock to now. */
export interface LeaseStatus {
  readonly leaseId: LeaseId;
  readonly ttlMs: number;
  /** Since this process got it or took it up again. */
  readonly heldForMs: number;
  readonly renewedAgoMs: number;
}

/** Without an answer for this part of the TTL, leases of others may have run out as well. */
const gapPerTtl = 2 / 3;

/**
 * The one lease of a machine: everything that says "this machine is alive" hangs on it. It is
 * renewed every third of its TTL, tried again within a sixth, and given up only when etcd says
 * that it is gone, however long etcd was away.
 */
export class MachineLease {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #keeper: LeaseKeeper;
  readonly #askedTtlMs: number;
  readonly #gate: StoreGate | null;
  readonly #lostListeners = new Set<() => void>();
  readonly #renewedListeners = new Set<(sentAtMs: number) => void>();
  readonly #troubleListeners = new Set<(problem: string | null) => void>();
  #held: Held | null = null;
  #problem: string | null = null;
  /** When the last renewal was sent; means nothing while no lease is held. */
  #renewedSentAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: MachineLeaseOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#keeper = options.keeper;
    this.#askedTtlMs = options.ttlMs;
    this.#gate = options.gate ?? null;
  }

  /** null: none is held, it was lost or given back. */
  get id(): LeaseId | null {
    return this.#held?.leaseId ?? null;
  }

  /** The granted TTL, or the one that will be asked for. */
  get ttlMs(): number {
    return this.#held?.ttlMs ?? this.#askedTtlMs;
  }

  /** null: none is held. */
  status(): LeaseStatus | null {
    if (this.#held === null) return null;
    const { leaseId, ttlMs, heldAtMs, answeredAtMs } = this.#held;
    const nowMs = this.#clock.nowMs();
    return { leaseId, ttlMs, heldForMs: nowMs - heldAtMs, renewedAgoMs: nowMs - answeredAtMs };
  }

  /**
   * For how long etcd has answered renewals without a gap in which another machine's lease could
   * have run out for no fault of that machine; 0 in such a gap, and while no lease is held.
   */
  get steadyMs(): number {
    const held = this.#held;
    if (held === null || this.#isGap(held)) return 0;
    return this.#clock.nowMs() - held.steadySinceMs;
  }

  /** Called each time etcd says that the lease is gone; it is not held any more by then. */
  onLost(listener: () => void): () => void {
    this.#lostListeners.add(listener);
    return () => this.#lostListeners.delete(listener);
  }

  /**
   * Called each time etcd has granted or renewed the lease. `sentAtMs`: when it was asked to, on the
   * monotonic clock; the lease holds for its TTL from then on at least. Called at once, too, with
   * the last renewal of a lease that is held.
   */
  onRenewed(listener: (sentAtMs: number) => void): () => void {
    if (this.#held !== null) listener(this.#renewedSentAtMs);
    this.#renewedListeners.add(listener);
    return () => this.#renewedListeners.delete(listener);
  }

  /** Called when renewing begins to fail, with the reason, and with null when it works again. */
  onTrouble(listener: (problem: string | null) => void): () => void {
    this.#troubleListeners.add(listener);
    return () => this.#troubleListeners.delete(listener);
  }

  /** Ends once a lease that is held here would be renewed; never rejects. */
  mayHold(signal: AbortSignal): Promise<void> {
    return this.#keeper.mayHold(signal);
  }

  /** This machine leads in that term; null: no more. Given up for it when its loop is stuck. */
  lead(term: Revision | null): void {
    this.#keeper.lead(term);
  }

  /**
   * Asks etcd now, not at the next renewal: something that hung on the lease is gone. Done once it
   * is known whether the lease is, or that this cannot be known now. Never rejects.
   */
  async recheck(): Promise<void> {
    const held = this.#held;
    if (held === null || held.isAsked) return;
    held.letGo();
    await this.#askAgain(held);
  }

  /** Takes a lease up again by its id; false when etcd does not know it any more. One try. */
  async resume(leaseId: LeaseId, signal: AbortSignal): Promise<boolean> {
    const sentAtMs = this.#clock.nowMs();
    const standing = await this.#store.renewLease(leaseId, limits.requestTimeoutMs, signal);
    if (standing === null) return false;
    this.#hold(leaseId, standing.grantedMs);
    this.#tellRenewed(sentAtMs);
    return true;
  }

  /** Gets a new lease. One try; throws FleetError. */
  async grant(signal: AbortSignal): Promise<LeaseId> {
    const sentAtMs = this.#clock.nowMs();
    const { leaseId, ttlMs } = await this.#store.grantLease(this.#askedTtlMs, signal);
    this.#hold(leaseId, ttlMs);
    this.#tellRenewed(sentAtMs);
    return leaseId;
  }

  /** Gives the lease back: this machine leaves, all of its keys go at once. */
  async release(signal: AbortSignal): Promise<void> {
    const held = this.#drop();
    if (held !== null) await this.#store.revokeLease(held.leaseId, signal);
  }

  /** Renews a last time and stops: the daemon restarts, its machine stays. Never rejects. */
  async stop(signal: AbortSignal): Promise<void> {
    const held = this.#drop();
    if (held === null) return;
    const withinMs = Math.min(limits.retryMaxMs, held.ttlMs / 6); // the next daemon waits for it
    // Whatever comes of it, nothing more can be done for the lease here.
    await this.#store.renewLease(held.leaseId, withinMs, signal).catch(() => null);
  }

  #hold(leaseId: LeaseId, ttlMs: number): void {
    this.#drop();
    const nowMs = this.#clock.nowMs();
    const moments = { heldAtMs: nowMs, answeredAtMs: nowMs, steadySinceMs: nowMs };
    const ending = new AbortController();
    const held: Held = {
      leaseId,
      ttlMs,
      ...moments,
      ending,
      letGo: () => undefined,
      isAsked: false,
    };
    this.#held = held;
    this.#keep(held);
  }

  #keep(held: Held): void {
    const { leaseId, ttlMs } = held;
    held.letGo = this.#keeper.keep(
      { leaseId, ttlMs },
      {
        answered: (renewal) => this.#takeRenewal(held, renewal),
        failed: (problem) => {
          if (this.#held === held) this.#tellTrouble(problem);
        },
        gone: (isSure) => {
          if (isSure) this.#lose(held);
          else void this.#askAgain(held); // tells its failures, never rejects
        },
      },
    );
  }

  #drop(): Held | null {
    const held = this.#held;
    this.#held = null;
    held?.ending.abort();
    held?.letGo();
    return held;
  }

  #takeRenewal(held: Held, { sentAtMs, atMs, header }: Renewal): void {
    if (this.#held !== held) return;
    if (header !== undefined && !this.#isOurs(header)) {
      void this.#askAgain(held); // tells its failures, never rejects
      return;
    }
    this.#tellTrouble(null);
    this.#answered(held, atMs);
    this.#tellRenewed(sentAtMs);
  }

  /** A backup that was restored beside the real store may renew a lease that is long gone there. */
  #isOurs(header: StoreHeader): boolean {
    const known = this.#gate?.known ?? null;
    if (known === null) return true;
    if (header.storeId !== known.storeId) return false;
    this.#gate?.heard(header, null);
    return true;
  }

  /**
   * What a keeper asks past the gate of this store is asked for again through it: another cluster's
   * etcd, or one that was emptied, knows no lease of ours either, or knows one that ours has not.
   */
  async #askAgain(held: Held): Promise<void> {
    if (this.#held !== held || held.isAsked) return;
    held.isAsked = true;
    const sentAtMs = this.#clock.nowMs();
    try {
      const withinMs = patienceMsFor(held.ttlMs);
      const { leaseId, ending } = held;
      const standing = await this.#store.renewLease(leaseId, withinMs, ending.signal);
      if (standing === null) return this.#lose(held);
      this.#takeRenewal(held, { sentAtMs, atMs: this.#clock.nowMs() });
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      if (this.#held === held) this.#tellTrouble(messageOf(thrown));
    }
    held.isAsked = false;
    if (this.#held === held) this.#keep(held);
  }

  /** `atMs` may be a while ago: what tells it may have waited for this loop. */
  #answered(held: Held, atMs: number): void {
    const isAfterGap = atMs - held.answeredAtMs > held.ttlMs * gapPerTtl;
    held.answeredAtMs = Math.max(atMs, held.answeredAtMs);
    if (isAfterGap) held.steadySinceMs = held.answeredAtMs;
  }

  #isGap(held: Held): boolean {
    return this.#clock.nowMs() - held.answeredAtMs > held.ttlMs * gapPerTtl;
  }

  #lose(held: Held): void {
    if (this.#held !== held) return;
    this.#drop();
    for (const listener of [...this.#lostListeners]) listener();
  }

  #tellRenewed(sentAtMs: number): void {
    this.#renewedSentAtMs = sentAtMs;
    for (const listener of [...this.#renewedListeners]) listener(sentAtMs);
  }

  #tellTrouble(problem: string | null): void {
    if ((problem === null) === (this.#problem === null)) return;
    this.#problem = problem;
    for (const listener of [...this.#troubleListeners]) listener(problem);
  }
}
