import type { IRangeResponse } from 'etcd3';
import type { Clock } from '../lib/clock.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Revision } from '../model/ids.ts';
import {
  type EtcdAccess,
  type EtcdAnswer,
  type EtcdCall,
  EtcdConnection,
} from './etcd-connection.ts';
import { EtcdRenewals } from './etcd-renewals.ts';
import { etcdTrouble, revisionRefusal } from './etcd-trouble.ts';
import { EtcdWatch } from './etcd-watch.ts';
import { fromWireRange, toRevision, toWireRange, toWireTxn } from './etcd-wire.ts';
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
  WatchHandler,
} from './store.ts';

/**
 * The store on a real etcd, through the raw calls of the client library. Its classes for leases,
 * elections and watches, and all of its retries, stay unused: they give a living lease up, send
 * transactions twice and come back from an outage too late.
 */
export class EtcdStore implements Store {
  readonly #access: EtcdAccess;
  readonly #clock: Clock;
  readonly #counter: RequestCounter;
  readonly #memberListeners = new Set<(endpoint: string) => void>();
  #live: { readonly connection: EtcdConnection; readonly renewals: EtcdRenewals } | null = null;
  #madeCount: number;
  #isClosed = false;

  /** `firstMember` chooses the member to begin with, so that machines spread over them. */
  constructor(
    access: EtcdAccess,
    clock: Clock,
    firstMember = 0,
    counter: RequestCounter = new RequestCounter(),
  ) {
    this.#access = access;
    this.#clock = clock;
    this.#madeCount = firstMember;
    this.#counter = counter;
  }

  /** Called with the member's endpoint each time that a connection is made. */
  onMember(listener: (endpoint: string) => void): void {
    this.#memberListeners.add(listener);
  }

  /** Others had no answer from that member since then: so has ours, it is left for the next one. */
  doubt(endpoint: string, sentAtMs: number): void {
    const connection = this.#live?.connection;
    if (connection === undefined || connection.endpoint !== endpoint) return;
    connection.doubt(new Error('no answer within the time for a renewal'), sentAtMs);
  }

  get storeId(): string | null {
    return this.#live?.connection.storeId ?? null;
  }

  async range(
    request: RangeRequest,
    signal: AbortSignal,
  ): Promise<Result<RangeAnswer, RevisionRefusal>> {
    const answer = await this.#read(
      'range',
      (etcd, options) => etcd.kv.range(toWireRange(request), options),
      signal,
    );
    return answer.ok ? ok(fromWireRange(answer.value, request)) : answer;
  }

  async ranges(
    requests: readonly RangeRequest[],
    signal: AbortSignal,
  ): Promise<Result<readonly RangeAnswer[], RevisionRefusal>> {
    if (requests.length === 0) return ok([]);
    const success = requests.map((request) => ({ request_range: toWireRange(request) }));
    const answer = await this.#read(
      'ranges',
      (etcd, options) => etcd.kv.txn({ success }, options),
      signal,
    );
    if (!answer.ok) return answer;
    const { header, responses } = answer.value;
    return ok(
      requests.map((request, index) =>
        fromWireRange(withHeader(responses[index]?.response_range, header), request),
      ),
    );
  }

  async txn(request: TxnRequest, signal: AbortSignal): Promise<TxnAnswer> {
    const answer = await this.#call(
      {
        kind: 'txn',
        effect: 'write',
        run: (etcd, options) => etcd.kv.txn(toWireTxn(request), options),
      },
      signal,
    );
    const { cluster_id: storeId, revision } = answer.header;
    return { storeId, succeeded: answer.succeeded, revision: toRevision(revision) };
  }

  watch(range: KeyRange, from: Revision, handler: WatchHandler): Watch {
    const { connection } = this.#connect();
    return new EtcdWatch(connection, { range, from, handler }, this.#clock, this.#counter);
  }

  async grantLease(ttlMs: number, signal: AbortSignal): Promise<LeaseGrant> {
    const answer = await this.#call(
      {
        kind: 'grant',
        effect: 'read', // a lease whose id never arrived holds nothing and expires
        run: (etcd, options) =>
          etcd.leaseClient.leaseGrant({ TTL: Math.ceil(ttlMs / 1000) }, options),
      },
      signal,
    );
    return { leaseId: answer.ID as LeaseId, ttlMs: Number(answer.TTL) * 1000 };
  }

  renewLease(
    leaseId: LeaseId,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<LeaseStanding | null> {
    return this.#connect().renewals.renew(leaseId, withinMs, signal);
  }

  async inspectLease(leaseId: LeaseId, signal: AbortSignal): Promise<LeaseStanding | null> {
    const answer = await this.#call(
      {
        kind: 'inspect',
        effect: 'read',
        run: (etcd, options) => etcd.leaseClient.leaseTimeToLive({ ID: leaseId }, options),
      },
      signal,
    );
    const grantedMs = Number(answer.grantedTTL) * 1000;
    if (grantedMs === 0) return null; // etcd says TTL -1 and granted 0 of a lease that is gone
    const remainingMs = Math.max(Number(answer.TTL) * 1000, 0);
    return { remainingMs, grantedMs, raftTerm: answer.header.raft_term };
  }

  async revokeLease(leaseId: LeaseId, signal: AbortSignal): Promise<void> {
    try {
      await this.#call(
        {
          kind: 'revoke',
          effect: 'write',
          run: (etcd, options) => etcd.leaseClient.leaseRevoke({ ID: leaseId }, options),
        },
        signal,
      );
    } catch (thrown) {
      const trouble = etcdTrouble(thrown, 'write', '');
      if (trouble.trouble.code !== 'registry/lease-lost') throw trouble;
    }
  }

  async space(signal: AbortSignal): Promise<StoreSpace> {
    const status = await this.#call(
      {
        kind: 'space',
        effect: 'read',
        run: (etcd, options) => etcd.maintenance.status(options),
      },
      signal,
    );
    // Alarms of all members stand here too, and unlike the request for alarms it needs no rights.
    const isFull = status.errors.some((words) => /NOSPACE/.test(words));
    return { sizeBytes: Number(status.dbSize), isFull };
  }

  async members(signal: AbortSignal): Promise<readonly StoreMember[]> {
    const { members } = await this.#call(
      {
        kind: 'members',
        effect: 'read',
        run: (etcd, options) => etcd.cluster.memberList({}, options),
      },
      signal,
    );
    return members.map(({ name, clientURLs, isLearner }) => {
      return { name, clientUrls: clientURLs, isLearner };
    });
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return this.#counter.counts();
  }

  close(): void {
    this.#isClosed = true;
    this.#live?.connection.end();
  }

  async #read<T extends EtcdAnswer>(
    kind: 'range' | 'ranges',
    run: EtcdCall<T>['run'],
    signal: AbortSignal,
  ): Promise<Result<T, RevisionRefusal>> {
    try {
      return ok(await this.#call({ kind, effect: 'read', run }, signal));
    } catch (thrown) {
      const refusal = revisionRefusal(thrown);
      if (refusal !== null) return fail(refusal);
      throw thrown;
    }
  }

  #call<T extends EtcdAnswer>(call: EtcdCall<T>, signal: AbortSignal): Promise<T> {
    return this.#connect().connection.call(call, signal);
  }

  /** The living connection, or a new one to the next member. */
  #connect(): { readonly connection: EtcdConnection; readonly renewals: EtcdRenewals } {
    if (this.#live === null || (this.#live.connection.isEnded && !this.#isClosed)) {
      const connection = new EtcdConnection(
        this.#access,
        this.#madeCount,
        this.#clock,
        this.#counter,
      );
      this.#madeCount += 1;
      const renewals = new EtcdRenewals(connection, this.#clock, this.#counter);
      this.#live = { connection, renewals };
      for (const listener of [...this.#memberListeners]) listener(connection.endpoint);
      if (this.#isClosed) connection.end();
    }
    return this.#live;
  }
}

/** Readings inside a transaction carry no complete header of their own. */
function withHeader(
  answer: IRangeResponse | undefined,
  header: IRangeResponse['header'],
): IRangeResponse {
  return answer === undefined
    ? { header, kvs: [], more: false, count: '0' }
    : { ...answer, header };
}
