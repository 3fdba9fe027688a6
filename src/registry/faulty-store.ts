import { FleetError, type TroubleCode } from '../lib/error.ts';
import type { Result } from '../lib/result.ts';
import type { Revision } from '../model/ids.ts';
import type {
  KeyRange,
  LeaseGrant,
  LeaseId,
  LeaseStanding,
  RangeAnswer,
  RangeRequest,
  RequestCount,
  RequestKind,
  RevisionRefusal,
  Store,
  StoreSpace,
  TxnAnswer,
  TxnRequest,
  Watch,
  WatchHandler,
} from './store.ts';

/** One daemon's way to a store, with faults on demand: for simulations and tests. */
export class FaultyStore implements Store {
  #store: Store;
  readonly #watches = new Set<() => void>();
  readonly #held: (() => void)[] = [];
  #isCut = false;
  #isMute = false;
  #nextTxn: 'fail' | 'lose-answer' | 'hold' | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  get storeId(): string | null {
    return this.#store.storeId;
  }

  /** From now on nothing gets through, and every watch breaks. */
  cut(): void {
    this.#isCut = true;
    for (const end of [...this.#watches]) end();
  }

  /** From now on another store answers at the same address. */
  swap(store: Store): void {
    this.#store = store;
    for (const end of [...this.#watches]) end();
  }

  heal(): void {
    this.#isCut = false;
    this.#isMute = false;
  }

  /** Watches stay open and tell nothing any more, as on a member without its quorum. */
  mute(): void {
    this.#isMute = true;
  }

  /** The next transaction does not reach the store. */
  failNextTxn(): void {
    this.#nextTxn = 'fail';
  }

  /** The next transaction is carried out, its answer is lost. */
  loseNextAnswer(): void {
    this.#nextTxn = 'lose-answer';
  }

  /** The next transaction's answer is lost, and it reaches the store only at `releaseHeld`. */
  holdNextTxn(): void {
    this.#nextTxn = 'hold';
  }

  /** Lets the transactions that were held arrive, late. */
  releaseHeld(): void {
    for (const arrive of this.#held.splice(0)) arrive();
  }

  range(request: RangeRequest, signal: AbortSignal): Promise<Result<RangeAnswer, RevisionRefusal>> {
    return this.#through(() => this.#store.range(request, signal));
  }

  ranges(
    requests: readonly RangeRequest[],
    signal: AbortSignal,
  ): Promise<Result<readonly RangeAnswer[], RevisionRefusal>> {
    return this.#through(() => this.#store.ranges(requests, signal));
  }

  async txn(request: TxnRequest, signal: AbortSignal): Promise<TxnAnswer> {
    const fault = this.#nextTxn;
    this.#nextTxn = null;
    if (fault === 'fail') throw trouble('registry/unavailable');
    if (fault === 'hold') {
      this.#held.push(() => {
        const late = new AbortController().signal;
        this.#store.txn(request, late).catch(() => undefined); // nobody waits for its answer
      });
      throw trouble('registry/unknown-outcome');
    }
    const answer = await this.#through(() => this.#store.txn(request, signal));
    if (fault === 'lose-answer' || this.#isCut) throw trouble('registry/unknown-outcome');
    return answer;
  }

  watch(range: KeyRange, from: Revision, handler: WatchHandler): Watch {
    let isOver = false;
    const watch = this.#store.watch(range, from, {
      events: (events, revision) => {
        if (!this.#isMute) handler.events(events, revision);
      },
      alive: () => {
        if (!this.#isMute) handler.alive();
      },
      ended: (why) => {
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
    if (this.#isCut) queueMicrotask(end);
    return { requestProgress: () => watch.requestProgress(), stop };
  }

  grantLease(ttlMs: number, signal: AbortSignal): Promise<LeaseGrant> {
    return this.#through(() => this.#store.grantLease(ttlMs, signal));
  }

  renewLease(
    leaseId: LeaseId,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<LeaseStanding | null> {
    return this.#through(() => this.#store.renewLease(leaseId, withinMs, signal));
  }

  inspectLease(leaseId: LeaseId, signal: AbortSignal): Promise<LeaseStanding | null> {
    return this.#through(() => this.#store.inspectLease(leaseId, signal));
  }

  revokeLease(leaseId: LeaseId, signal: AbortSignal): Promise<void> {
    return this.#through(() => this.#store.revokeLease(leaseId, signal));
  }

  space(signal: AbortSignal): Promise<StoreSpace> {
    return this.#through(() => this.#store.space(signal));
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return this.#store.counts();
  }

  /** Ends this way to the store; the store itself goes on. */
  close(): void {
    this.cut();
  }

  async #through<T>(request: () => Promise<T>): Promise<T> {
    if (this.#isCut) throw trouble('registry/unavailable');
    return request();
  }
}

function trouble(code: TroubleCode): FleetError {
  return new FleetError('the store was cut off on purpose', {
    code,
    retry: 'soon',
    hint: 'This is a test.',
  });
}
