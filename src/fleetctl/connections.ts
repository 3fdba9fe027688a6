import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Endpoint } from './endpoint.ts';
import { limits } from './limits.ts';
import type { TlsMaterial } from './tls-files.ts';

/** A stream as node:http takes it back into use: with the one method of sockets that it calls. */
export type Stream = Duplex & { ref(): unknown };

/** Opens a stream to fleetd where node:http cannot do it itself. */
export type OpenStream = () => Promise<Stream>;

/** How connections to a fleetd are made. */
export interface ConnectionOptions {
  readonly endpoint: Endpoint;
  readonly tls: TlsMaterial;
  /** null: directly. */
  readonly openStream: OpenStream | null;
}

/** Connections that are kept between requests; a stream that has to be opened is the only one. */
export function connectionsFor({ endpoint, tls, openStream }: ConnectionOptions): HttpAgent {
  const options = { keepAlive: true, maxSockets: limits.requestCountMax };
  if (openStream !== null) {
    return new StreamAgent(
      endpoint.kind === 'tls' ? secured(openStream, endpoint.host, tls) : openStream,
    );
  }
  return endpoint.kind === 'tls' ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
}

type Opened = (error: Error | null, stream: Duplex) => void;

class StreamAgent extends HttpAgent {
  readonly #open: OpenStream;
  /** What failed once is not tried again: it would ask for the same passphrase, in vain. */
  #failure: Error | null = null;

  constructor(open: OpenStream) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#open = open;
  }

  override createConnection(_options: object, opened?: Opened): undefined {
    const failed = (error: Error): void => {
      this.#failure = error;
      opened?.(error, undefined as never); // node takes the error and never looks at the stream
    };
    const ready = (stream: Duplex): void => {
      stream.once('error', (error) => {
        this.#failure = error;
      });
      opened?.(null, stream);
    };
    const opening = this.#failure === null ? this.#open() : Promise.reject(this.#failure);
    opening.then(ready, failed);
  }

  /** A stream is no socket, and has no timers of TCP to set. */
  override keepSocketAlive(): boolean {
    return true;
  }
}

function secured(open: OpenStream, host: string, tls: TlsMaterial): OpenStream {
  return async () => {
    const socket = await open();
    const name = isIP(host) === 0 ? { servername: host } : {};
    return await new Promise<TLSSocket>((resolve, reject) => {
      const secure = connectTls({ ...tls, ...name, host, socket });
      secure.once('error', reject);
      secure.once('secureConnect', () => {
        secure.off('error', reject);
        resolve(secure);
      });
    });
  };
}
