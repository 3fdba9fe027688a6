import { FleetError } from '../lib/error.ts';
import { ok, type Result } from '../lib/result.ts';
import type { Revision } from '../model/ids.ts';
import {
  type KeyRange,
  type LeaseGrant,
  type LeaseId,
  type LeaseStanding,
  oneKey,
  type RangeAnswer,
  type RangeRequest,
  type RequestCount,
  type RequestKind,
  type RevisionRefusal,
  type Store,
  type StoreSpace,
  type TxnAnswer,
  type TxnRequest,
  type Watch,
  type WatchHandler,
} from './store.ts';
import type { StoreFill } from './store-fill.ts';
import type { StoreGate } from './store-gate.ts';

/** What guards a store. */
export interface GatedStoreOptions {
  readonly gate: StoreGate;
  /** Told of writes that were taken, and of those for which there was no space. */
  readonly fill: StoreFill;
  /** Any key; it is read to hear which etcd is at the end of a new connection. */
  readonly probeKey: string;
}

/**
 * The store as everybody but `ClusterClaim` sees it: an answer that the gate does not believe never
 * arrives, nothing is written into a store that was not heard yet, and while the gate is closed
 * only the lease is kept alive.
 */
export class GatedStore implements Store {
  readonly #store: Store;
  readonly #gate: StoreGate;
  readonly #fill: StoreFill;
  readonly #probeKey: string;
  readonly #watches = new Set<() => void>();

  constructor(store: Store, what: GatedStoreOptions) {
    const { gate, fill, probeKey } = what;
    this.#store = store;
    this.#gate = gate;
    this.#fill = fill;
    this.#probeKey = probeKey;
    gate.onTurn(() => {
      if (gate.isOpen) return;
      for (const end of [...this.#watches]) end();
    });
  }

  get storeId(): string | null {
    return this.#store.storeId;
  }

  async range(
    request: RangeRequest,
    signal: AbortSignal,
  ): Promise<Result<RangeAnswer, RevisionRefusal>> {
    const floor = this.#floor();
    const answer = await this.#store.range(request, signal);
    return answer.ok ? ok(this.#believed(answer.value, floor)) : answer;
  }

  async ranges(
    requests: readonly RangeRequest[],
    signal: AbortSignal,
  ): Promise<Result<readonly RangeAnswer[], RevisionRefusal>> {
    const floor = this.#floor();
    const answer = await this.#store.ranges(requests, signal);
    return answer.ok ? ok(answer.value.map((one) => this.#believed(one, floor))) : answer;
  }

  async txn(request: TxnRequest, signal: AbortSignal): Promise<TxnAnswer> {
    if (request.writes.length > 0) await this.#hearFirst(signal);
    const floor = this.#floor();
    const answer = await this.#noting(() => this.#store.txn(request, signal));
    const isPut = answer.succeeded && request.writes.some(({ kind }) => kind === 'put');
    if (isPut) this.#fill.met(false);
    const { storeId, revision } = answer;
    this.#gate.heard({ storeId, revision }, floor);
    this.#gate.check();
    return answer;
  }

  watch(range: KeyRange, from: Revision, handler: WatchHandler): Watch {
    let isOver = false;
    const mayPass = (): boolean => {
      const { storeId } = this.#store;
      if (storeId !== null) this.#gate.foreign(storeId); // may end all watches, this one too
      return !isOver;
    };
    const watch = this.#store.watch(range, from, {
      events: (events, revision) => {
        if (!mayPass()) return;
        const { known } = this.#gate;
        if (known !== null) this.#gate.heard({ storeId: known.storeId, revision }, null);
        handler.events(events, revision);
      },
      alive: () => {
        if (mayPass()) handler.alive();
      },
      ended: (why) => {
        if (isOver) return;
        stop();
        handler.ended(why);
      },
    });
    const stop = (): void => {
      isOver = true;
      this.#watches.delete(end);
      watch.stop();
    };
    const end = (): void => {
      if (isOver) return;
      stop();
      handler.ended('broken');
    };
    this.#watches.add(end);
    if (!this.#gate.isOpen) queueMicrotask(end);
    return { requestProgress: () => watch.requestProgress(), stop };
  }

  async grantLease(ttlMs: number, signal: AbortSignal): Promise<LeaseGrant> {
    this.#gate.check();
    return this.#noting(() => this.#store.grantLease(ttlMs, signal));
  }

  /** A store that is not believed may keep our lease alive; it may not say that it is gone. */
  async renewLease(
    leaseId: LeaseId,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<LeaseStanding | null> {
    const standing = await this.#store.renewLease(leaseId, withinMs, signal);
    const { storeId } = this.#store;
    if (storeId !== null) this.#gate.foreign(storeId);
    if (standing?.header !== undefined) this.#gate.heard(standing.header, null);
    // An etcd that was emptied knows no leases either: a reading tells whether it is that.
    if (standing === null) await this.#probe(signal);
    return standing;
  }

  async inspectLease(leaseId: LeaseId, signal: AbortSignal): Promise<LeaseStanding | null> {
    this.#gate.check();
    return this.#store.inspectLease(leaseId, signal);
  }

  async revokeLease(leaseId: LeaseId, signal: AbortSignal): Promise<void> {
    await this.#hearFirst(signal);
    await this.#store.revokeLease(leaseId, signal);
  }

  space(signal: AbortSignal): Promise<StoreSpace> {
    return this.#store.space(signal);
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return this.#store.counts();
  }

  close(): void {
    this.#store.close();
  }

  async #noting<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (thrown) {
      const isFull = thrown instanceof FleetError && thrown.trouble.code === 'registry/full';
      if (isFull) this.#fill.met(true);
      throw thrown;
    }
  }

  /** The highest revision when a request is sent; throws while the gate is closed. */
  #floor(): Revision | null {
    this.#gate.check();
    return this.#gate.known?.revision ?? null;
  }

  #believed(answer: RangeAnswer, floor: Revision | null): RangeAnswer {
    this.#gate.heard(answer.header, floor);
    this.#gate.check();
    return answer;
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const range = oneKey(this.#probeKey);
    await this.range({ range, limitCount: 1, revision: null, keysOnly: true }, signal);
  }

  /** etcd cannot compare which cluster it is: a new connection is listened to before it is used. */
  async #hearFirst(signal: AbortSignal): Promise<void> {
    this.#gate.check();
    for (let tryCount = 1; this.#store.storeId === null; tryCount += 1) {
      await this.#probe(signal);
      if (tryCount >= hearingTriesMax && this.#store.storeId === null) throw deaf();
    }
    this.#gate.foreign(this.#store.storeId);
    this.#gate.check();
  }
}

const hearingTriesMax = 3;

function deaf(): FleetError {
  return new FleetError('connections to the store end as soon as they are made', {
    code: 'registry/unavailable',
    retry: 'soon',
    hint: 'Look at etcd: etcdctl endpoint health',
  });
}
