import { type Clock, rest } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import { invariant } from '../lib/invariant.ts';
import type { Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { CommitOutcome, LeaderSession } from '../model/ledger.ts';
import { decisionTxn } from './decision-ops.ts';
import type { Keys } from './keys.ts';
import type { MachineLease } from './lease.ts';
import { limits } from './limits.ts';
import { Mirror } from './mirror.ts';
import { overdueMachines } from './overdue-leases.ts';
import { readKeys } from './paged-read.ts';
import type { Compare, Op, Store, TxnAnswer } from './store.ts';
import type { StoreGate } from './store-gate.ts';

/** What a session works on. */
export interface LeaderSessionOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly lease: MachineLease;
  /** The revision of the transaction that won the election. */
  readonly term: Revision;
  /** What is written into `engine/leader` and `engine/seq`. */
  readonly signature: string;
  readonly gate: StoreGate;
}

/**
 * One term. Every transaction is a link of one chain: it compares the term (the create revision of
 * `engine/leader`) and the mod revision of `engine/seq`, and writes `engine/seq`. So neither
 * another leader nor our own lost transaction can land after what we planned since.
 */
export class StoreLeaderSession implements LeaderSession {
  readonly term: Revision;
  readonly #options: LeaderSessionOptions;
  readonly #mirror: Mirror;
  readonly #ending = new AbortController();
  readonly #nudges = new Set<() => void>();
  readonly #forgets: readonly (() => void)[];
  /** The mod revision of `engine/seq`; null after a lost answer: the chain is open. */
  #seq: Revision | null;
  #isBusy = false;

  constructor(options: LeaderSessionOptions) {
    this.#options = options;
    this.term = options.term;
    this.#seq = options.term;
    const { store, keys, clock, lease, gate } = options;
    const newest = (): Revision | null => gate.known?.revision ?? null;
    this.#mirror = new Mirror({ store, keys, clock, ttlMs: lease.ttlMs, newest });
    this.#mirror.onChange(() => this.#look());
    // A term does not outlive a store that is not believed: its picture is of another world.
    this.#forgets = [lease.onLost(() => this.#end()), gate.onTurn(() => this.#end())];
    lease.lead(this.term);
    void this.#mirror.run(this.#ending.signal); // ends with the session, never rejects
  }

  /** Waits until everything was read; false when the session or `signal` ended before. */
  async ready(signal: AbortSignal): Promise<boolean> {
    const within = AbortSignal.any([signal, this.#ending.signal]);
    while (!within.aborted && this.#mirror.revision < this.term) {
      await this.#mirror.reached(this.term, this.#options.lease.ttlMs, within);
    }
    return !within.aborted;
  }

  picture(): ClusterPicture {
    return this.#mirror.picture();
  }

  absenceCountsInMs(): number {
    const { lease, gate } = this.#options;
    const returnMs = Math.min(lease.ttlMs, limits.returnMsMax) - lease.steadyMs;
    return Math.max(returnMs, gate.thawsInMs());
  }

  overdueMachines(leastCount: number, signal: AbortSignal): Promise<ReadonlySet<MachineId>> {
    const { store, clock, lease } = this.#options;
    const within = AbortSignal.any([signal, this.#ending.signal]);
    return overdueMachines(
      { store, clock, ttlMs: lease.ttlMs, leases: this.#mirror.leases, leastCount },
      within,
    );
  }

  absentForMs(machine: MachineId): number {
    return this.#mirror.absentForMs(machine);
  }

  isLive(): boolean {
    return !this.#ending.signal.aborted;
  }

  onChange(nudge: () => void): void {
    this.#nudges.add(nudge);
  }

  async commit(decisions: readonly Decision[], signal: AbortSignal): Promise<CommitOutcome> {
    invariant(!this.#isBusy, '2', 'two transactions of one leader at a time');
    this.#isBusy = true;
    try {
      if (!this.isLive()) return 'deposed';
      if (this.#seq === null) return await this.#closeChain(signal);
      return await this.#write(decisions, this.#seq, signal);
    } finally {
      this.#isBusy = false;
    }
  }

  async close(): Promise<void> {
    const wasLive = this.isLive();
    this.#end();
    if (!wasLive) return;
    const { store, keys } = this.#options;
    const writes: readonly Op[] = [{ kind: 'delete', key: keys.leader }];
    try {
      await store.txn({ onlyIf: [this.#termGuard()], writes }, new AbortController().signal);
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown; // the lease will give it up for us
    }
  }

  async #write(
    decisions: readonly Decision[],
    seq: Revision,
    signal: AbortSignal,
  ): Promise<CommitOutcome> {
    const txn = decisionTxn(decisions, {
      keys: this.#options.keys,
      picture: this.picture(),
      modRevisionOf: (key) => this.#mirror.modRevisionOf(key),
      richText: (key) => this.#mirror.richText(key),
    });
    if (txn === null) return 'superseded';
    if (txn.writes.length === 0) return 'committed';
    try {
      const answer = await this.#link(seq, txn, signal);
      if (!answer.succeeded) return await this.#whyNot(seq, signal);
      this.#seq = answer.revision;
      await this.#caughtUp(answer.revision, signal);
      return 'committed';
    } catch (thrown) {
      if (!isLostAnswer(thrown)) throw thrown;
      this.#seq = null;
      return await this.#closeChain(signal);
    }
  }

  /** One link of the chain. */
  #link(
    seq: Revision,
    txn: { readonly onlyIf: readonly Compare[]; readonly writes: readonly Op[] },
    signal: AbortSignal,
  ): Promise<TxnAnswer> {
    const { store, keys, signature } = this.#options;
    const chain: readonly Compare[] = [
      this.#termGuard(),
      { kind: 'modified', key: keys.seq, at: seq },
    ];
    const put: Op = { kind: 'put', key: keys.seq, value: signature, leaseId: null };
    const onlyIf = [...chain, ...txn.onlyIf];
    return store.txn({ onlyIf, writes: [...txn.writes, put] }, signal);
  }

  /** A confirmed refusal: another leader, a chain that is not ours, or a guard of a decision. */
  async #whyNot(seq: Revision, signal: AbortSignal): Promise<CommitOutcome> {
    const now = await this.#readChain(signal);
    if (now.term !== this.term) {
      this.#end();
      return 'deposed';
    }
    if (now.seq !== seq) this.#seq = null; // whoever wrote it, close behind it
    if (this.#seq === null) return await this.#closeChain(signal);
    this.#mirror.refresh();
    await this.#caughtUp(now.revision, signal);
    return 'superseded';
  }

  /**
   * Writes `engine/seq` alone until one write is confirmed. From then on the lost transaction
   * either is in the store or can never land. Throws FleetError when the store stays away; the
   * next commit goes on here.
   */
  async #closeChain(signal: AbortSignal): Promise<CommitOutcome> {
    for (let tryCount = 1; ; tryCount += 1) {
      try {
        const now = await this.#readChain(signal);
        if (now.term !== this.term || now.seq === null) {
          this.#end();
          return 'deposed';
        }
        const answer = await this.#link(now.seq, { onlyIf: [], writes: [] }, signal);
        if (answer.succeeded) {
          this.#seq = answer.revision;
          await this.#caughtUp(answer.revision, signal);
          return 'unknown';
        }
      } catch (thrown) {
        const isFinal = tryCount >= limits.chainTriesMax || signal.aborted;
        if (!(thrown instanceof FleetError) || isFinal) throw thrown;
        await rest(limits.retryFirstMs * tryCount, this.#options.clock, signal);
      }
    }
  }

  async #readChain(signal: AbortSignal): Promise<{
    readonly revision: Revision;
    readonly term: Revision | null;
    readonly seq: Revision | null;
  }> {
    const { store, keys } = this.#options;
    const what = { keys: [keys.leader, keys.seq], revision: null };
    const { revision, items } = await readKeys(store, what, signal);
    const [leader, seq] = items;
    return {
      revision,
      term: leader?.createRevision ?? null,
      seq: seq?.modRevision ?? null,
    };
  }

  /** Until the picture contains a revision of our own chain; reads again when the watch is slow. */
  async #caughtUp(revision: Revision, signal: AbortSignal): Promise<void> {
    const within = AbortSignal.any([signal, this.#ending.signal]);
    while (!within.aborted && this.#mirror.revision < revision) {
      const isThere = await this.#mirror.reached(revision, limits.requestTimeoutMs, within);
      if (!isThere && !within.aborted) this.#mirror.refresh();
    }
  }

  #termGuard(): Compare {
    return { kind: 'created', key: this.#options.keys.leader, at: this.term };
  }

  #look(): void {
    const { revision, leader } = this.#mirror;
    if (revision >= this.term && leader?.createRevision !== this.term) {
      this.#end();
      return;
    }
    this.#tell();
  }

  #end(): void {
    if (!this.isLive()) return;
    for (const forget of this.#forgets) forget();
    this.#options.lease.lead(null);
    this.#ending.abort();
    this.#tell();
  }

  #tell(): void {
    for (const nudge of [...this.#nudges]) nudge();
  }
}

function isLostAnswer(thrown: unknown): boolean {
  return thrown instanceof FleetError && thrown.trouble.code === 'registry/unknown-outcome';
}
