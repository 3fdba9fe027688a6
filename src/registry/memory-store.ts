import type { Clock } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import { ok, type Result } from '../lib/result.ts';
import type { Revision } from '../model/ids.ts';
import { contains, MemoryHistory } from './memory-history.ts';
import { RequestCounter } from './request-counter.ts';
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
  StoreMember,
  StoreSpace,
  TxnAnswer,
  TxnRequest,
  Watch,
  WatchEvent,
  WatchHandler,
} from './store.ts';

interface Lease {
  readonly grantedMs: number;
  expiresAtMs: number;
  cancelExpiry: () => void;
}

interface Watcher {
  readonly range: KeyRange;
  readonly from: Revision;
  readonly handler: WatchHandler;
  isOver: boolean;
}

/**
 * etcd's twin in memory: the same answers for the same requests, on a clock of your choice and
 * without any timer of its own. Deterministic: it answers in microtasks, in the order of calls.
 */
export class MemoryStore implements Store {
  readonly #clock: Clock;
  #history: MemoryHistory;
  readonly #counter = new RequestCounter();
  readonly #leases = new Map<LeaseId, Lease>();
  readonly #watchers = new Set<Watcher>();
  /** Of this store and its copies: the time is part of etcd's lease ids, a backup repeats none. */
  #granted = { count: 0 };
  #raftTerm = 2;

  /** `sizeBytes` a store of any size could have; tests say how large and how full it is. */
  fill: StoreSpace = { sizeBytes: 20_480, isFull: false };

  constructor(clock: Clock, storeId = 'memory') {
    this.#clock = clock;
    this.#history = new MemoryHistory(storeId);
  }

  get storeId(): string {
    return this.#history.storeId;
  }

  get revision(): Revision {
    return this.#history.revision;
  }

  async range(
    request: RangeRequest,
    signal: AbortSignal,
  ): Promise<Result<RangeAnswer, RevisionRefusal>> {
    await this.#arrive('range', signal);
    return this.#history.read(request);
  }

  async ranges(
    requests: readonly RangeRequest[],
    signal: AbortSignal,
  ): Promise<Result<readonly RangeAnswer[], RevisionRefusal>> {
    await this.#arrive('ranges', signal);
    const answers: RangeAnswer[] = [];
    for (const request of requests) {
      const answer = this.#history.read(request);
      if (!answer.ok) return answer;
      answers.push(answer.value);
    }
    return ok(answers);
  }

  async txn(request: TxnRequest, signal: AbortSignal): Promise<TxnAnswer> {
    await this.#arrive('txn', signal);
    if (request.onlyIf.length > opsMax || request.writes.length > opsMax) {
      throw refused('registry/refused', 'too many operations in txn request', 'never');
    }
    if (!request.onlyIf.every((compare) => this.#history.holds(compare))) {
      return { storeId: this.storeId, succeeded: false, revision: this.#history.revision };
    }
    if (this.fill.isFull && request.writes.some(({ kind }) => kind === 'put')) {
      throw refused('registry/full', 'database space exceeded', 'soon');
    }
    for (const op of request.writes) {
      if (op.kind === 'put' && op.leaseId !== null && !this.#leases.has(op.leaseId)) {
        throw refused('registry/lease-lost', 'requested lease not found', 'soon');
      }
    }
    this.#publish(this.#history.write(request.writes));
    return { storeId: this.storeId, succeeded: true, revision: this.#history.revision };
  }

  watch(range: KeyRange, from: Revision, handler: WatchHandler): Watch {
    this.#counter.sent('watch');
    const watcher: Watcher = { range, from, handler, isOver: false };
    const end = (): void => {
      watcher.isOver = true;
      this.#watchers.delete(watcher);
    };
    soon(watcher, () => {
      const past = this.#history.since(range, from);
      if (!past.ok) {
        end();
        handler.ended('compacted');
        return;
      }
      this.#watchers.add(watcher);
      handler.alive();
      for (const events of past.value) deliver(watcher, events);
    });
    return {
      requestProgress: () => {
        this.#counter.sent('progress');
        soon(watcher, () => handler.alive());
      },
      stop: end,
    };
  }

  /** No id that one of the two grants is granted by the other: etcd's are random. */
  shareLeaseIds(other: MemoryStore): void {
    this.#granted = other.#granted;
  }

  async grantLease(ttlMs: number, signal: AbortSignal): Promise<LeaseGrant> {
    await this.#arrive('grant', signal);
    if (this.fill.isFull) throw refused('registry/full', 'database space exceeded', 'soon');
    this.#granted.count += 1;
    const leaseId = String(7_000_000_000 + this.#granted.count) as LeaseId;
    const grantedMs = Math.ceil(ttlMs / 1000) * 1000;
    const lease: Lease = { grantedMs, expiresAtMs: 0, cancelExpiry: () => undefined };
    this.#leases.set(leaseId, lease);
    this.#extend(leaseId, lease);
    return { leaseId, ttlMs: grantedMs };
  }

  async renewLease(
    leaseId: LeaseId,
    _withinMs: number,
    signal: AbortSignal,
  ): Promise<LeaseStanding | null> {
    await this.#arrive('renewal', signal);
    const lease = this.#leases.get(leaseId);
    if (lease === undefined) return null;
    this.#extend(leaseId, lease);
    return this.#standing(lease);
  }

  async inspectLease(leaseId: LeaseId, signal: AbortSignal): Promise<LeaseStanding | null> {
    await this.#arrive('inspect', signal);
    const lease = this.#leases.get(leaseId);
    return lease === undefined ? null : this.#standing(lease);
  }

  async revokeLease(leaseId: LeaseId, signal: AbortSignal): Promise<void> {
    await this.#arrive('revoke', signal);
    this.#drop(leaseId);
  }

  async space(signal: AbortSignal): Promise<StoreSpace> {
    await this.#arrive('space', signal);
    return this.fill;
  }

  async members(signal: AbortSignal): Promise<readonly StoreMember[]> {
    await this.#arrive('members', signal);
    return [{ name: 'memory', clientUrls: ['http://10.0.0.1:2379'], isLearner: false }];
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return this.#counter.counts();
  }

  /** Stops every timer and watch. */
  close(): void {
    for (const lease of this.#leases.values()) lease.cancelExpiry();
    this.#leases.clear();
    this.breakWatches();
  }

  /** A backup that was restored at once: keys and leases as they are now; they run on `clock`. */
  restoredCopy(clock: Clock, storeId: string): MemoryStore {
    const copy = new MemoryStore(clock, storeId);
    copy.#history = this.#history.copy(storeId);
    copy.shareLeaseIds(this);
    for (const [leaseId, { grantedMs }] of this.#leases) {
      const lease: Lease = { grantedMs, expiresAtMs: 0, cancelExpiry: () => undefined };
      copy.#leases.set(leaseId, lease);
      copy.#extend(leaseId, lease);
    }
    return copy;
  }

  /** Forgets what was before that revision. */
  compact(at: Revision): void {
    this.#history.compact(at);
  }

  /** Ends every watch, as a lost connection does. */
  breakWatches(): void {
    for (const watcher of [...this.#watchers]) {
      this.#watchers.delete(watcher);
      soon(watcher, () => {
        watcher.isOver = true;
        watcher.handler.ended('broken');
      });
    }
  }

  /** Another etcd leader: a new raft term, and every lease has its full TTL again. */
  changeLeader(): void {
    this.#raftTerm += 1;
    for (const [leaseId, lease] of this.#leases) this.#extend(leaseId, lease);
  }

  async #arrive(kind: RequestKind, signal: AbortSignal): Promise<void> {
    this.#counter.sent(kind);
    await Promise.resolve();
    if (!signal.aborted) return;
    this.#counter.failed(kind);
    throw refused('registry/unavailable', 'aborted before it was sent', 'soon');
  }

  #extend(leaseId: LeaseId, lease: Lease): void {
    lease.cancelExpiry();
    lease.expiresAtMs = this.#clock.nowMs() + lease.grantedMs;
    lease.cancelExpiry = this.#clock.after(lease.grantedMs, () => this.#drop(leaseId));
  }

  #drop(leaseId: LeaseId): void {
    this.#leases.get(leaseId)?.cancelExpiry();
    if (!this.#leases.delete(leaseId)) return;
    const keys = this.#history.keysOn(leaseId);
    this.#publish(this.#history.write(keys.map((key) => ({ kind: 'delete', key }))));
  }

  #standing(lease: Lease): LeaseStanding {
    const leftMs = lease.expiresAtMs - this.#clock.nowMs();
    return {
      header: { storeId: this.storeId, revision: this.#history.revision },
      remainingMs: Math.floor(leftMs / 1000) * 1000,
      grantedMs: lease.grantedMs,
      raftTerm: String(this.#raftTerm),
    };
  }

  #publish(events: readonly WatchEvent[]): void {
    for (const watcher of this.#watchers) {
      if (this.#history.revision < watcher.from) continue;
      const mine = events.filter((event) =>
        contains(watcher.range, event.kind === 'put' ? event.item.key : event.key),
      );
      if (mine.length > 0) soon(watcher, () => deliver(watcher, mine));
    }
  }
}

/** etcd's `max-txn-ops`, for compares and for operations. */
const opsMax = 128;

function soon(watcher: Watcher, run: () => void): void {
  queueMicrotask(() => {
    if (!watcher.isOver) run();
  });
}

function deliver(watcher: Watcher, events: readonly WatchEvent[]): void {
  const last = events.at(-1);
  if (last === undefined || watcher.isOver) return;
  watcher.handler.events(events, last.kind === 'put' ? last.item.modRevision : last.revision);
}

function refused(
  code: 'registry/refused' | 'registry/full' | 'registry/lease-lost' | 'registry/unavailable',
  said: string,
  retry: 'soon' | 'never',
): FleetError {
  return new FleetError(`store in memory: ${said}`, { code, retry, hint: 'See the code.' });
}
