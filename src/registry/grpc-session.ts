import {
  type ClientHttp2Session,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { limits } from './limits.ts';

/** How to reach a member; PEM. */
export interface GrpcPlace {
  /** `http://HOST:PORT` or `https://…` */
  readonly endpoint: string;
  readonly tls: {
    readonly ca: Uint8Array | null;
    readonly cert: Uint8Array | null;
    readonly key: Uint8Array | null;
  } | null;
}

/** One call under way. */
export interface GrpcCall {
  send(message: Uint8Array): void;
  /** Nothing more will be sent. */
  finish(): void;
  /** Ends it without a word to the listener. */
  cancel(): void;
}

/** Who made the call. */
export interface GrpcListener {
  message(bytes: Uint8Array): void;
  /** Called once; null: the other side ended it well. */
  ended(problem: Error | null): void;
}

/** A listener's text: header fields of a call, all in lower case. */
export type GrpcMetadata = Readonly<Record<string, string>>;

/** gRPC over one HTTP/2 connection, with nothing but Node's built-ins. It never mends itself. */
export class GrpcSession {
  readonly #session: ClientHttp2Session;
  readonly #listeners = new Set<(problem: Error) => void>();
  #end: Error | null = null;

  constructor({ endpoint, tls }: GrpcPlace) {
    const { ca = null, cert = null, key = null } = tls ?? {};
    this.#session = connect(endpoint, {
      ...(ca === null ? {} : { ca: Buffer.from(ca) }),
      ...(cert === null ? {} : { cert: Buffer.from(cert) }),
      ...(key === null ? {} : { key: Buffer.from(key) }),
    });
    this.#session.on('error', (error: Error) => this.destroy(error));
    this.#session.on('goaway', () => this.destroy(new Error('the member closes the connection')));
    this.#session.on('close', () => this.destroy(new Error('the connection was closed')));
  }

  get isEnded(): boolean {
    return this.#end !== null;
  }

  /** Begins a call. */
  call(path: string, metadata: GrpcMetadata, listener: GrpcListener): GrpcCall {
    if (this.#end !== null) {
      const problem = this.#end;
      queueMicrotask(() => listener.ended(problem));
      return { send: () => undefined, finish: () => undefined, cancel: () => undefined };
    }
    const stream = this.#session.request({ ...headersOf(path), ...metadata });
    let isOver = false;
    const end = (problem: Error | null): void => {
      if (isOver) return;
      isOver = true;
      this.#listeners.delete(end);
      listener.ended(problem);
    };
    this.#listeners.add(end);
    const frames = new FrameReader((bytes) => {
      if (!isOver) listener.message(bytes);
    });
    stream.on('response', (headers) => {
      if ('grpc-status' in headers) end(problemIn(headers));
      else if (headers[':status'] !== 200) end(new Error(`HTTP status ${headers[':status']}`));
    });
    stream.on('data', (bytes: Buffer) => {
      const problem = frames.take(bytes);
      if (problem !== null) end(problem);
    });
    stream.on('trailers', (trailers) => end(problemIn(trailers)));
    stream.on('error', end);
    stream.on('close', () => end(new Error('the stream was closed')));
    return {
      send: (message) => void stream.write(framed(message)),
      finish: () => stream.end(),
      cancel: () => {
        isOver = true;
        this.#listeners.delete(end);
        stream.close(constants.NGHTTP2_CANCEL);
      },
    };
  }

  /** One request, one answer; the caller bounds the time by `signal`. */
  ask(
    path: string,
    metadata: GrpcMetadata,
    message: Uint8Array,
    signal: AbortSignal,
  ): Promise<Uint8Array> {
    return new Promise((resolve, reject) => {
      let answer: Uint8Array | null = null;
      const onAbort = (): void => {
        call.cancel();
        reject(new Error('aborted while waiting for the answer'));
      };
      const call = this.call(path, metadata, {
        message: (bytes) => {
          answer = bytes;
        },
        ended: (problem) => {
          signal.removeEventListener('abort', onAbort);
          if (problem === null && answer !== null) resolve(answer);
          else reject(problem ?? new Error('closed without an answer'));
        },
      });
      signal.addEventListener('abort', onAbort, { once: true });
      call.send(message);
      call.finish();
      if (signal.aborted) onAbort();
    });
  }

  /** Ends the connection and every call on it. */
  destroy(problem = new Error('the connection was closed')): void {
    if (this.#end !== null) return;
    this.#end = problem;
    for (const end of [...this.#listeners]) end(problem);
    this.#session.destroy();
  }
}

function headersOf(path: string): OutgoingHttpHeaders {
  return {
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
}

/** What the other side says at the end of a call; null: all was well. */
function problemIn(headers: IncomingHttpHeaders): Error | null {
  const status = String(headers['grpc-status'] ?? '2');
  if (status === '0') return null;
  return new Error(decoded(String(headers['grpc-message'] ?? `gRPC status ${status}`)));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // not escaped as the protocol asks
  }
}

const headBytes = 5;

function framed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** Cuts what comes into messages. */
class FrameReader {
  readonly #found: (message: Uint8Array) => void;
  #rest: Buffer = Buffer.alloc(0);

  constructor(found: (message: Uint8Array) => void) {
    this.#found = found;
  }

  /** null, or why what came cannot be read. */
  take(bytes: Buffer): Error | null {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= headBytes) {
      if (this.#rest[0] !== 0) return new Error('a compressed answer, which was not asked for');
      const end = headBytes + this.#rest.readUInt32BE(1);
      if (end > limits.answerBytesMax) return new Error('too long an answer');
      if (this.#rest.length < end) return null;
      const message = this.#rest.subarray(headBytes, end);
      this.#rest = this.#rest.subarray(end);
      this.#found(message);
    }
    return null;
  }
}
