import type { Clock } from '../../src/lib/clock.ts';
import { FleetError, type TroubleCode } from '../../src/lib/error.ts';
import type { Result } from '../../src/lib/result.ts';
import type { Revision } from '../../src/model/ids.ts';
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
  WatchHandler,
} from '../../src/registry/store.ts';
import type { Random } from './random.ts';
import type { SimProcess } from './sim-process.ts';

/** `refused`: connections fail at once; `stalled`: packets vanish, nothing is answered. */
export type RoadState = 'open' | 'refused' | 'stalled';

const limits = { requestMsMax: 1_000, lateMsMax: 4_000 } as const;

/** The network between one machine and the store; it outlives the daemons that use it. */
export class Road {
  state: RoadState = 'open';
  /** The longest that a message takes one way. */
  delayMsMax = 3;
  /** Grows whenever connections are lost: what is heard on a new one may be another store. */
  connectionNumber = 0;
  /** So many of the answers to transactions get lost, their connection with them. */
  lossShare = 0;
  #isCutForEver = false;
  readonly #random: Random;
  readonly #watches = new Set<LinkWatch>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Nothing passes here any more, whatever is said later. */
  cutForEver(): void {
    this.set('refused');
    this.#isCutForEver = true;
  }

  set(state: RoadState): void {
    if (this.#isCutForEver) return;
    if (state === 'refused') this.connectionNumber += 1;
    const was = this.state;
    this.state = state;
    for (const watch of [...this.#watches]) {
      if (state === 'refused') watch.break();
      if (state !== 'open' || was !== 'stalled') continue;
      if (this.#random.chance(0.5)) watch.break();
      else watch.flush();
    }
  }

  breakWatches(): void {
    this.connectionNumber += 1;
    for (const watch of [...this.#watches]) watch.break();
  }

  /** How long the next message takes. */
  delayMs(): number {
    return this.#random.chance(0.5) ? 0 : this.#random.between(0, this.delayMsMax);
  }

  /** Chance, as this road draws it. */
  chance(share: number): boolean {
    return this.#random.chance(share);
  }

  lateMs(): number {
    return this.#random.between(0, limits.lateMsMax);
  }

  add(watch: LinkWatch): void {
    this.#watches.add(watch);
  }

  remove(watch: LinkWatch): void {
    this.#watches.delete(watch);
  }
}

/** What a link is made of. */
export interface LinkParts {
  /** What is at the other end now; what was asked of another one before does not reach it. */
  readonly store: () => Store;
  readonly road: Road;
  readonly clock: Clock;
  /** The daemon that asks; when it is killed it hears nothing any more. */
  readonly process: SimProcess;
  /** A transaction with writes was carried out; `number` grows with the time it was asked for. */
  readonly landed: (request: TxnRequest, number: number, store: Store) => void;
}

let requestNumber = 0;

/** One daemon's way to the store over its machine's road: slow, deaf or lossy as the road is. */
export class StoreLink implements Store {
  readonly #parts: LinkParts;

  constructor(parts: LinkParts) {
    this.#parts = parts;
  }

  #heard: { readonly storeId: string | null; readonly connection: number } | null = null;

  get storeId(): string | null {
    const { connectionNumber } = this.#parts.road;
    return this.#heard?.connection === connectionNumber ? this.#heard.storeId : null;
  }

  range(request: RangeRequest, signal: AbortSignal): Promise<Result<RangeAnswer, RevisionRefusal>> {
    return this.#ask('read', signal, (store, late) => store.range(request, late));
  }

  ranges(
    requests: readonly RangeRequest[],
    signal: AbortSignal,
  ): Promise<Result<readonly RangeAnswer[], RevisionRefusal>> {
    return this.#ask('read', signal, (store, late) => store.ranges(requests, late));
  }

  txn(request: TxnRequest, signal: AbortSignal): Promise<TxnAnswer> {
    if (request.writes.length === 0) {
      return this.#ask('read', signal, (store, late) => store.txn(request, late));
    }
    requestNumber += 1;
    const number = requestNumber;
    return this.#ask('write', signal, async (store, late) => {
      const answer = await store.txn(request, late);
      if (answer.succeeded) this.#parts.landed(request, number, store);
      return answer;
    });
  }

  watch(range: KeyRange, from: Revision, handler: WatchHandler): Watch {
    const watch = new LinkWatch(this.#parts, handler);
    watch.begin((inner) => {
      const { road } = this.#parts;
      const store = this.#parts.store();
      this.#heard = { storeId: store.storeId, connection: road.connectionNumber };
      return store.watch(range, from, inner);
    });
    return watch;
  }

  grantLease(ttlMs: number, signal: AbortSignal): Promise<LeaseGrant> {
    return this.#ask('read', signal, (store, late) => store.grantLease(ttlMs, late));
  }

  renewLease(
    leaseId: LeaseId,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<LeaseStanding | null> {
    const ask = (store: Store, late: AbortSignal) => store.renewLease(leaseId, withinMs, late);
    return this.#ask('read', signal, ask, withinMs);
  }

  inspectLease(leaseId: LeaseId, signal: AbortSignal): Promise<LeaseStanding | null> {
    return this.#ask('read', signal, (store, late) => store.inspectLease(leaseId, late));
  }

  revokeLease(leaseId: LeaseId, signal: AbortSignal): Promise<void> {
    return this.#ask('read', signal, (store, late) => store.revokeLease(leaseId, late));
  }

  space(signal: AbortSignal): Promise<StoreSpace> {
    return this.#ask('read', signal, (store, late) => store.space(late));
  }

  members(signal: AbortSignal): Promise<readonly StoreMember[]> {
    return this.#ask('read', signal, (store, late) => store.members(late));
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return this.#parts.store().counts();
  }

  close(): void {
    this.#parts.road.breakWatches();
  }

  #ask<T>(
    kind: 'read' | 'write',
    signal: AbortSignal,
    ask: (store: Store, signal: AbortSignal) => Promise<T>,
    withinMs: number = limits.requestMsMax,
  ): Promise<T> {
    const { clock, road, process } = this.#parts;
    const store = this.#parts.store();
    const { connectionNumber } = road;
    return new Promise((resolve, reject) => {
      let [isSent, isOver] = [false, false];
      const end = (run: () => void): void => {
        if (isOver) return;
        isOver = true;
        cancel();
        signal.removeEventListener('abort', fail);
        process.deliver(run);
      };
      const fail = (): void => {
        const code = isSent && kind === 'write' ? 'unknown-outcome' : 'unavailable';
        end(() => reject(trouble(`registry/${code}`)));
      };
      const cancel = clock.after(withinMs, fail);
      signal.addEventListener('abort', fail, { once: true });
      if (signal.aborted) return fail();
      const answered = (run: () => void, storeId: string | null, connection: number): void => {
        clock.after(road.delayMs(), () => {
          const isLost = kind === 'write' && road.chance(road.lossShare);
          if (road.state === 'open' && !isLost) {
            end(() => {
              this.#heard = { storeId, connection };
              run();
            });
          } else if (road.state !== 'stalled') fail();
        });
      };
      const arrive = (): void => {
        const { storeId } = store;
        ask(store, new AbortController().signal).then(
          (answer) => answered(() => resolve(answer), storeId, connectionNumber),
          (error: unknown) => answered(() => reject(error), storeId, connectionNumber),
        );
      };
      clock.after(road.delayMs(), () => {
        if (isOver) return;
        if (road.state === 'refused') return fail();
        isSent = true;
        const late = (): void => {
          if (road.state === 'stalled') clock.after(road.lateMs(), late);
          else if (road.state === 'open') arrive();
        };
        const isDelayed = kind === 'write' && road.chance(road.lossShare);
        if (road.state === 'open' && !isDelayed) return arrive();
        // It waits in some buffer, and may come out of it when nobody expects it any more.
        if (isDelayed) fail();
        if (kind === 'write' && road.chance(0.5)) clock.after(road.lateMs(), late);
      });
    });
  }
}

/** One watch over a road: events come late but in order, or the watch breaks. */
class LinkWatch implements Watch {
  readonly #parts: LinkParts;
  readonly #handler: WatchHandler;
  readonly #stuck: (() => void)[] = [];
  #inner: Watch | null = null;
  #lastMs = 0;
  #isOver = false;
  #isStopped = false;

  constructor(parts: LinkParts, handler: WatchHandler) {
    this.#parts = parts;
    this.#handler = handler;
    parts.road.add(this);
  }

  begin(open: (handler: WatchHandler) => Watch): void {
    const { road, clock } = this.#parts;
    clock.after(road.delayMs(), () => {
      if (this.#isOver) return;
      if (road.state === 'refused') return this.break();
      this.#inner = open({
        events: (events, revision) => this.#send(() => this.#handler.events(events, revision)),
        alive: () => this.#send(() => this.#handler.alive()),
        ended: (why) => this.#send(() => this.#end(() => this.#handler.ended(why))),
      });
    });
  }

  requestProgress(): void {
    this.#inner?.requestProgress();
  }

  stop(): void {
    this.#isStopped = true;
    this.#end(() => undefined);
  }

  /** The connection is lost. */
  break(): void {
    this.#end(() => {
      this.#parts.process.deliver(() => {
        if (!this.#isStopped) this.#handler.ended('broken');
      });
    });
  }

  /** What waited on the road arrives. */
  flush(): void {
    for (const arrive of this.#stuck.splice(0)) this.#arrive(arrive);
  }

  #send(arrive: () => void): void {
    const { road, clock } = this.#parts;
    this.#lastMs = Math.max(this.#lastMs, clock.nowMs() + road.delayMs());
    clock.after(this.#lastMs - clock.nowMs(), () => {
      if (road.state === 'open' && this.#stuck.length === 0) this.#arrive(arrive);
      else this.#stuck.push(arrive);
    });
  }

  #arrive(arrive: () => void): void {
    this.#parts.process.deliver(() => {
      if (!this.#isOver) arrive();
    });
  }

  #end(last: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#parts.road.remove(this);
    this.#inner?.stop();
    last();
  }
}

function trouble(code: TroubleCode): FleetError {
  const hint = 'This is a simulation.';
  return new FleetError('the store was not reached', { code, retry: 'soon', hint });
}
