import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import {
  etcdCalls,
  leaseRequest,
  loginRequest,
  readKeepAlive,
  readSucceeded,
  readTimeToLive,
  readToken,
  type Seat,
  vacateRequest,
} from './etcd-messages.ts';
import { type GrpcCall, type GrpcMetadata, type GrpcPlace, GrpcSession } from './grpc-session.ts';
import type { LeaseId, LeaseStanding } from './store.ts';

/** What etcd answered to a renewal. */
export interface RenewalAnswer {
  readonly leaseId: LeaseId;
  readonly standing: LeaseStanding | null;
  /** When the renewal that it answers was sent, on the monotonic clock. */
  readonly sentAtMs: number;
}

/** What a link is made of. */
export interface MemberLinkOptions extends GrpcPlace {
  readonly login: { readonly username: string; readonly password: string } | null;
  /** Every answer to a renewal, also one that nobody waits for any more. */
  readonly answered: (answer: RenewalAnswer) => void;
  readonly clock: Clock;
}

interface Waiter {
  readonly leaseId: LeaseId;
  readonly settle: (standing: LeaseStanding | null) => void;
  readonly refuse: (problem: Error) => void;
}

/** One connection to one member, with its keepalive stream. Once it fails it has ended. */
export class MemberLink {
  readonly endpoint: string;
  readonly #options: MemberLinkOptions;
  readonly #session: GrpcSession;
  readonly #waiters = new Set<Waiter>();
  readonly #over = new AbortController();
  /** Of the renewals without an answer; a stream answers them in the order they were sent. */
  readonly #sentAtMs: number[] = [];
  #keepAlive: Promise<GrpcCall> | null = null;
  #metadata: Promise<GrpcMetadata> | null = null;

  constructor(options: MemberLinkOptions) {
    this.endpoint = options.endpoint;
    this.#options = options;
    this.#session = new GrpcSession(options);
  }

  get isEnded(): boolean {
    return this.#over.signal.aborted || this.#session.isEnded;
  }

  /** Renews; null: etcd says that the lease is gone. Rejects when the link ends before. */
  renew(leaseId: LeaseId): Promise<LeaseStanding | null> {
    return new Promise((settle, refuse) => {
      this.#waiters.add({ leaseId, settle, refuse });
      this.#keepAlive ??= this.#open();
      this.#keepAlive.then(
        (call) => {
          this.#sentAtMs.push(this.#options.clock.nowMs());
          call.send(leaseRequest(leaseId));
        },
        (problem: Error) => this.end(problem),
      );
    });
  }

  /** Looks at a lease without renewing it. */
  async inspect(leaseId: LeaseId): Promise<LeaseStanding | null> {
    try {
      return readTimeToLive(await this.#ask(etcdCalls.timeToLive, leaseRequest(leaseId)));
    } catch (thrown) {
      if (isNotFound(thrown)) return null;
      throw thrown;
    }
  }

  /** Deletes `engine/leader` if it is ours; whether it was. */
  async vacate(seat: Seat): Promise<boolean> {
    return readSucceeded(await this.#ask(etcdCalls.txn, vacateRequest(seat)));
  }

  end(problem = new Error('the connection was given up')): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#session.destroy(problem);
    for (const { refuse } of [...this.#waiters]) refuse(problem);
    this.#waiters.clear();
  }

  async #ask(path: string, message: Uint8Array): Promise<Uint8Array> {
    const metadata = await this.#known();
    return this.#session.ask(path, metadata, message, this.#over.signal);
  }

  async #open(): Promise<GrpcCall> {
    const metadata = await this.#known();
    return this.#session.call(etcdCalls.keepAlive, metadata, {
      message: (bytes) => this.#take(bytes),
      ended: (problem) => {
        if (problem !== null && isNotFound(problem)) this.#settleAll();
        this.end(problem ?? new Error('the keepalive stream was closed'));
      },
    });
  }

  /** An answer that cannot be read costs this connection, not the thread. */
  #take(bytes: Uint8Array): void {
    try {
      this.#tell(readKeepAlive(bytes));
    } catch (thrown) {
      this.end(new Error(`an answer that is not understood: ${messageOf(thrown)}`));
    }
  }

  #tell({ leaseId, standing }: ReturnType<typeof readKeepAlive>): void {
    const sentAtMs = this.#sentAtMs.shift() ?? Number.NEGATIVE_INFINITY;
    this.#options.answered({ leaseId, standing, sentAtMs });
    for (const waiter of [...this.#waiters]) {
      if (waiter.leaseId !== leaseId) continue;
      this.#waiters.delete(waiter);
      waiter.settle(standing);
    }
  }

  #settleAll(): void {
    for (const { settle } of [...this.#waiters]) settle(null);
    this.#waiters.clear();
  }

  /** What every call carries; the token is asked for once a connection. */
  #known(): Promise<GrpcMetadata> {
    this.#metadata ??= this.#logIn();
    return this.#metadata;
  }

  /**
   * etcd 3.4 renews leases for whoever asks, newer ones want a token. So a login that fails is no
   * reason not to try: an account that was taken away must not end a lease that still can be kept.
   */
  async #logIn(): Promise<GrpcMetadata> {
    const { login } = this.#options;
    if (login === null) return ourMetadata;
    const { signal } = this.#over;
    try {
      const request = loginRequest(login);
      const answer = await this.#session.ask(etcdCalls.authenticate, ourMetadata, request, signal);
      return { ...ourMetadata, token: readToken(answer) };
    } catch (thrown) {
      if (this.isEnded) throw thrown;
      return ourMetadata;
    }
  }
}

/** A member that has lost its quorum refuses at once instead of staying silent. */
const ourMetadata: GrpcMetadata = { hasleader: 'true' };

function isNotFound(thrown: unknown): boolean {
  return thrown instanceof Error && /requested lease not found/.test(thrown.message);
}
