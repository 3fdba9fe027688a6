import type { ILeaseKeepAliveRequest, ILeaseKeepAliveResponse } from 'etcd3';
import type { Clock } from '../lib/clock.ts';
import type { EtcdConnection } from './etcd-connection.ts';
import { ownStream, type Stream } from './etcd-stream.ts';
import { etcdTrouble } from './etcd-trouble.ts';
import { toRevision } from './etcd-wire.ts';
import { limits } from './limits.ts';
import type { RequestCounter } from './request-counter.ts';
import type { LeaseId, LeaseStanding } from './store.ts';

interface Waiter {
  readonly leaseId: LeaseId;
  settle(standing: LeaseStanding | null): void;
  refuse(thrown: unknown): void;
}

/** The raw keepalive stream of one connection; each renewal is one message and one answer. */
export class EtcdRenewals {
  readonly #connection: EtcdConnection;
  readonly #clock: Clock;
  readonly #counter: RequestCounter;
  readonly #waiters = new Set<Waiter>();
  #opening: Promise<Stream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>> | null = null;

  constructor(connection: EtcdConnection, clock: Clock, counter: RequestCounter) {
    this.#connection = connection;
    this.#clock = clock;
    this.#counter = counter;
    connection.onEnd(() => this.#close(new Error('the connection ended, closed')));
  }

  /** Renews once; null when etcd says that the lease is gone. */
  renew(leaseId: LeaseId, withinMs: number, signal: AbortSignal): Promise<LeaseStanding | null> {
    const sentAtMs = this.#clock.nowMs();
    this.#counter.sent('renewal');
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        cancelTimer();
        signal.removeEventListener('abort', onAbort);
        this.#waiters.delete(waiter);
      };
      const waiter: Waiter = {
        leaseId,
        settle: (standing) => {
          finish();
          resolve(standing);
        },
        refuse: (thrown) => {
          finish();
          this.#counter.failed('renewal');
          if (!signal.aborted) this.#connection.doubt(thrown, sentAtMs);
          reject(etcdTrouble(thrown, 'read', this.#connection.endpoint));
        },
      };
      const onAbort = (): void => waiter.refuse(new Error('aborted while waiting for the answer'));
      const late = new Error(`no answer within ${Math.round(withinMs)} ms`);
      const dueAtMs = sentAtMs + withinMs;
      let cancelTimer = this.#clock.after(withinMs, () => {
        const wasBusy = this.#clock.nowMs() - dueAtMs > limits.ownLatenessMsMax;
        if (wasBusy) cancelTimer = this.#clock.after(withinMs, () => waiter.refuse(late));
        else waiter.refuse(late);
      });
      signal.addEventListener('abort', onAbort, { once: true });
      this.#waiters.add(waiter);
      this.#stream().then((stream) => stream.write({ ID: leaseId }), waiter.refuse);
    });
  }

  #stream(): Promise<Stream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open(): Promise<Stream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>> {
    const stream = ownStream<ILeaseKeepAliveRequest, ILeaseKeepAliveResponse>(
      await this.#connection.etcd.leaseClient.leaseKeepAlive(),
      (error) => this.#close(error),
    );
    stream.on('end', () => this.#close(new Error('the keepalive stream was closed')));
    stream.on('data', (answer) => this.#take(answer));
    if (this.#connection.isEnded) stream.cancel();
    return stream;
  }

  #take(answer: ILeaseKeepAliveResponse): void {
    this.#connection.answered(answer.header);
    const ttlMs = Number(answer.TTL) * 1000;
    const { cluster_id: storeId, revision, raft_term: raftTerm } = answer.header;
    const header = { storeId, revision: toRevision(revision) };
    const standing = ttlMs > 0 ? { header, remainingMs: ttlMs, grantedMs: ttlMs, raftTerm } : null;
    for (const waiter of [...this.#waiters]) {
      if (waiter.leaseId === answer.ID) waiter.settle(standing);
    }
  }

  #close(why: Error): void {
    const opening = this.#opening;
    this.#opening = null;
    for (const waiter of [...this.#waiters]) waiter.refuse(why);
    if (opening === null) return;
    opening.then(
      (stream) => stream.cancel(),
      () => undefined, // never opened: its waiters were told
    );
  }
}
