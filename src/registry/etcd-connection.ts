import { Etcd3, type IOptions } from 'etcd3';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import { connectionVerdict, type Effect, etcdTrouble } from './etcd-trouble.ts';
import { limits } from './limits.ts';
import type { RequestCounter } from './request-counter.ts';
import type { RequestKind } from './store.ts';

/** How to reach etcd. */
export interface EtcdAccess {
  /** `http://HOST:PORT` or `https://…`; all plain or all TLS. */
  readonly endpoints: readonly string[];
  /** Contents of the files, PEM; null: nothing of our own, https trusts the system's CAs. */
  readonly tls: {
    /** null: the system's CAs. */
    readonly ca: Buffer | null;
    readonly cert: Buffer | null;
    readonly key: Buffer | null;
  } | null;
  readonly login: { readonly username: string; readonly password: string } | null;
  readonly requestTimeoutMs: number;
}

/** What an answer of etcd begins with; some answers about maintenance have null there. */
export interface EtcdAnswer {
  readonly header: { readonly cluster_id: string } | null;
}

/** One call to etcd. */
export interface EtcdCall<T> {
  readonly kind: RequestKind;
  readonly effect: Effect;
  readonly run: (etcd: Etcd3, options: { deadline: number }) => Promise<T>;
}

/**
 * One TCP connection to one member. Everything of a daemon goes over one of these, so lease and
 * watches live and die on the same member. It never mends itself: once it is doubted it ends, its
 * streams end with it, and the next one is made to the next member.
 */
export class EtcdConnection {
  readonly endpoint: string;
  readonly etcd: Etcd3;
  readonly #clock: Clock;
  readonly #counter: RequestCounter;
  readonly #requestTimeoutMs: number;
  readonly #enders = new Set<() => void>();
  #isEnded = false;
  #storeId: string | null = null;
  #answeredAtMs: number;

  constructor(access: EtcdAccess, number: number, clock: Clock, counter: RequestCounter) {
    this.endpoint = access.endpoints[number % access.endpoints.length] ?? 'http://127.0.0.1:2379';
    this.etcd = new Etcd3(clientOptions({ access, endpoint: this.endpoint, number, clock }));
    this.#clock = clock;
    this.#counter = counter;
    this.#requestTimeoutMs = access.requestTimeoutMs;
    this.#answeredAtMs = clock.nowMs();
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Which etcd cluster is at the other end; null before it has said anything. */
  get storeId(): string | null {
    return this.#isEnded ? null : this.#storeId;
  }

  /** Sends one request; throws FleetError. Its deadline is the request timeout. */
  async call<T extends EtcdAnswer>(call: EtcdCall<T>, signal: AbortSignal): Promise<T> {
    const sentAtMs = this.#clock.nowMs();
    if (signal.aborted) {
      throw etcdTrouble(new Error('aborted before it was sent'), call.effect, this.endpoint);
    }
    this.#counter.sent(call.kind);
    try {
      const deadline = this.#clock.wallMs() + this.#requestTimeoutMs; // gRPC wants wall time
      const answer = await unlessAborted(call.run(this.etcd, { deadline }), signal);
      this.answered(answer.header);
      this.#counter.took(call.kind, this.#clock.nowMs() - sentAtMs);
      return answer;
    } catch (thrown) {
      this.#counter.failed(call.kind);
      const spentMs = this.#clock.nowMs() - sentAtMs;
      const wasBusy = spentMs > this.#requestTimeoutMs + limits.ownLatenessMsMax;
      if (!signal.aborted && !wasBusy) this.doubt(thrown, sentAtMs);
      throw call.effect === 'read' && isRefusalOfRevision(thrown)
        ? thrown
        : etcdTrouble(thrown, call.effect, this.endpoint);
    }
  }

  /** Something came from the other side; every answer of etcd names its cluster. */
  answered(header: EtcdAnswer['header'] = null): void {
    this.#answeredAtMs = this.#clock.nowMs();
    if (header !== null) this.#storeId = header.cluster_id;
  }

  /**
   * A request sent at `sentAtMs` failed. The connection ends if that means it is broken; a late
   * answer means so only when nothing else was answered since.
   */
  doubt(thrown: unknown, sentAtMs: number): void {
    const verdict = connectionVerdict(thrown);
    const isSilent = this.#answeredAtMs <= sentAtMs;
    if (verdict === 'broken' || (verdict === 'late' && isSilent)) this.end();
  }

  /** Runs `ender` when the connection ends; returns a function that forgets it. */
  onEnd(ender: () => void): () => void {
    this.#enders.add(ender);
    return () => this.#enders.delete(ender);
  }

  /** Closes everything on it. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    for (const ender of [...this.#enders]) ender();
    this.#enders.clear();
    this.etcd.close();
  }
}

function isRefusalOfRevision(thrown: unknown): boolean {
  return thrown instanceof Error && /compacted|future revision/.test(thrown.message);
}

/** Waits for `answer`, but not beyond an abort. */
function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new Error('aborted while waiting for the answer'));
    signal.addEventListener('abort', onAbort, { once: true });
    answer
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', onAbort))
      .catch(() => undefined); // `reject` has told already
  });
}

type NextCall = (options: object) => PatchableCall;
interface PatchableCall {
  start(metadata: { set(key: string, value: string): void }, ...rest: readonly unknown[]): void;
}

/** A member without a leader refuses at once, and ends its watches, instead of staying silent. */
function requireLeader(options: object, nextCall: NextCall): PatchableCall {
  const call = nextCall(options);
  const start = call.start.bind(call);
  call.start = (metadata, ...rest) => {
    metadata.set('hasleader', 'true');
    start(metadata, ...rest);
  };
  return call;
}

/** A failed call, in a form that the client library does not take for its own to mend. */
class CallFailure extends Error {}

/**
 * Tries nothing twice: retries have one place each, above. The library would also close every
 * channel after most failures, under streams that are well: whether a connection is broken is for
 * `EtcdConnection` to say.
 */
const once = {
  execute: async <T>(run: (context: object) => T | Promise<T>): Promise<T> => {
    try {
      return await run({});
    } catch (thrown) {
      throw new CallFailure(messageOf(thrown), { cause: thrown });
    }
  },
};

function clientOptions(what: {
  readonly access: EtcdAccess;
  readonly endpoint: string;
  readonly number: number;
  readonly clock: Clock;
}): IOptions {
  const { access, endpoint, number, clock } = what;
  const noFaultHandling = { global: once, host: () => once };
  return {
    hosts: endpoint,
    ...(access.tls === null
      ? {}
      : {
          credentials: {
            // The library hands it on to gRPC, where null means the system's CAs.
            rootCertificate: access.tls.ca as Buffer,
            ...(access.tls.key === null ? {} : { privateKey: access.tls.key }),
            ...(access.tls.cert === null ? {} : { certChain: access.tls.cert }),
          },
        }),
    ...(access.login === null
      ? {}
      : {
          auth: {
            ...access.login,
            callOptions: () => ({ deadline: clock.wallMs() + access.requestTimeoutMs }),
          },
        }),
    grpcOptions: {
      'grpc.keepalive_time_ms': limits.pingEveryMs,
      'grpc.keepalive_timeout_ms': limits.pingTimeoutMs,
      'grpc.initial_reconnect_backoff_ms': limits.retryFirstMs,
      'grpc.max_reconnect_backoff_ms': limits.retryMaxMs,
      'grpc.max_receive_message_length': limits.answerBytesMax,
      'grpc.enable_retries': 0,
      'grpc.enable_http_proxy': 0,
      'grpc.service_config_disable_resolution': 1,
      // gRPC shares TCP connections among equal options: a number of its own makes this one new.
      'flotilla.connection': number,
      interceptors: [requireLeader],
    },
    faultHandling: noFaultHandling as unknown as NonNullable<IOptions['faultHandling']>,
  };
}
