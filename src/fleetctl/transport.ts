import { type Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { FleetError, messageOf } from '../lib/error.ts';
import { type ConnectionOptions, connectionsFor } from './connections.ts';
import { type Endpoint, endpointText } from './endpoint.ts';
import { limits } from './limits.ts';

/** One request to fleetd. */
export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'POST' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: object;
}

/** What came back. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
  /** Path and query of the page after this one, where a header says so. */
  readonly nextPath: string | null;
}

/** How to reach a fleetd. */
export interface TransportOptions extends Partial<ConnectionOptions> {
  readonly endpoint: Endpoint;
  /** One request may take so long, from connecting to the last byte. A tunnel opens before that. */
  readonly requestTimeoutMs: number;
}

/** HTTP on connections that are kept. Throws `api/unreachable`. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agent: Agent;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#agent = connectionsFor({ tls: {}, openStream: null, ...options });
  }

  get endpoint(): Endpoint {
    return this.#options.endpoint;
  }

  /** At once, or in turn where there is one stream for all: an Agent would open one for each. */
  send(what: ApiRequest): Promise<ApiAnswer> {
    if ((this.#options.openStream ?? null) === null) return this.#sendNow(what);
    const sent = this.#turn.then(() => this.#sendNow(what));
    this.#turn = sent.catch(() => undefined); // the sender is told; the next one goes on
    return sent;
  }

  close(): void {
    this.#agent.destroy();
  }

  async #sendNow(what: ApiRequest): Promise<ApiAnswer> {
    const { endpoint, requestTimeoutMs } = this.#options;
    const deadline = new Deadline(requestTimeoutMs);
    try {
      return await this.#exchange(what, deadline);
    } catch (error) {
      if (error instanceof FleetError) throw error;
      if (deadline.signal.aborted) throw tooSlow(endpoint, requestTimeoutMs);
      throw unreachable(endpoint, error);
    } finally {
      deadline.stop();
    }
  }

  #exchange({ method, path, body }: ApiRequest, deadline: Deadline): Promise<ApiAnswer> {
    const { endpoint } = this.#options;
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
    // A stream that has to be opened brings its own TLS.
    const isTls = endpoint.kind === 'tls' && (this.#options.openStream ?? null) === null;
    const begin = isTls ? tlsRequest : request;
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = begin({
        ...(endpoint.kind === 'unix'
          ? { socketPath: endpoint.path }
          : { host: endpoint.host, port: endpoint.port }),
        agent: this.#agent,
        method,
        path,
        signal: deadline.signal,
        headers:
          payload === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': payload.length },
      });
      sent.once('error', reject);
      sent.once('socket', () => deadline.start());
      sent.once('response', (response) => {
        const { statusCode: status = 0 } = response;
        const nextPath =
          /^<(\/[^>]*)>; rel="next"$/.exec(String(response.headers['link']))?.[1] ?? null;
        readAll(response).then((text) => resolve({ status, text, nextPath }), reject);
      });
      sent.end(payload ?? undefined);
    });
  }
}

/** Time that runs from the moment a request has a connection to itself. */
class Deadline {
  readonly #limitMs: number;
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | null = null;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  start(): void {
    this.#timer ??= setTimeout(() => this.#controller.abort(), this.#limitMs);
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

/** What listens there does not speak as fleetd does. */
export function notFleetd(endpoint: Endpoint, what: string): FleetError {
  return new FleetError(`what answers at ${endpointText(endpoint)} is not a fleetd: ${what}`, {
    code: 'api/unreachable',
    retry: 'never',
    hint: 'name the address of a fleetd with --endpoint or FLEETCTL_ENDPOINT',
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let lengthBytes = 0;
  for await (const part of response) {
    const bytes = part as Buffer; // no encoding is set, so these are bytes
    parts.push(bytes);
    lengthBytes += bytes.length;
    if (lengthBytes > limits.answerBytesMax) throw new Error('the answer is too large');
  }
  return Buffer.concat(parts).toString('utf8');
}

function tooSlow(endpoint: Endpoint, timeoutMs: number): FleetError {
  const seconds = timeoutMs / 1000;
  return new FleetError(`${endpointText(endpoint)} did not answer within ${seconds} s`, {
    code: 'api/unreachable',
    retry: 'soon',
    hint: 'look at fleetd there, or give it longer with --request-timeout',
  });
}

/** What a failure to talk to an endpoint means. */
export function unreachable(endpoint: Endpoint, error: unknown): FleetError {
  const where = endpointText(endpoint);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_')) return notFleetd(endpoint, 'it does not speak HTTP');
  const cause = explanations[code] ??
    tlsExplanation(code, error) ?? {
      what: `cannot talk to ${where}: ${messageOf(error)}`,
      hint: 'look at fleetd there: systemctl status fleet',
    };
  return new FleetError(cause.what.replace('WHERE', where), {
    code: 'api/unreachable',
    retry: 'soon',
    hint: cause.hint,
    cause: error,
  });
}

/** TLS has dozens of codes; what they ask of the user is one of three things. */
function tlsExplanation(code: string, error: unknown): Explanation | null {
  const words = messageOf(error);
  if (/CERT_HAS_EXPIRED|CERT_NOT_YET_VALID/.test(code)) {
    return { what: `WHERE: ${words}`, hint: 'renew the certificate there, or set the clock here' };
  }
  if (/ALTNAME_INVALID/.test(code)) {
    return { what: `WHERE is certified for another name: ${words}`, hint: 'use the name it has' };
  }
  if (/ISSUER_CERT|SELF_SIGNED|LEAF_SIGNATURE|CERT_UNTRUSTED|CERT_SIGNATURE/.test(code)) {
    const hint = 'name the certificate of who certified it with --ca-file or FLEETCTL_CA_FILE';
    return { what: `WHERE is certified by somebody unknown: ${words}`, hint };
  }
  if (!/^(ERR_SSL_|ERR_TLS_|ERR_OSSL_|EPROTO)/.test(code)) return null;
  const hint = 'is it https there, and does it want --cert-file and --key-file?';
  return { what: `no TLS with WHERE: ${reasonOf(words)}`, hint };
}

/** The words among the numbers of OpenSSL's errors. */
function reasonOf(words: string): string {
  return /:SSL routines:[^:]*:([^:]+)/.exec(words)?.[1] ?? words.trim();
}

interface Explanation {
  readonly what: string;
  readonly hint: string;
}

const elsewhere = 'or name another with --endpoint or FLEETCTL_ENDPOINT';

const nobody = {
  what: 'nobody listens at WHERE',
  hint: `start fleetd there (systemctl start fleet), ${elsewhere}`,
};

const explanations: Readonly<Record<string, Explanation>> = {
  ENOENT: nobody,
  ECONNREFUSED: nobody,
  ENOTSOCK: { what: 'WHERE is not a socket', hint: `check the path, ${elsewhere}` },
  EACCES: {
    what: 'no permission to use WHERE',
    hint: 'be root, or of the group that owns it: as root usermod -aG fleet USER, then log in anew',
  },
  ENOTFOUND: { what: 'there is no host for WHERE', hint: `check its name, ${elsewhere}` },
  EAI_AGAIN: { what: 'the name in WHERE cannot be looked up now', hint: 'check DNS, or use an IP' },
  EHOSTUNREACH: { what: 'there is no route to WHERE', hint: `is it off? Start it, ${elsewhere}` },
  ENETUNREACH: { what: 'there is no route to WHERE', hint: 'check the network' },
  ECONNRESET: { what: 'WHERE hung up', hint: 'look at fleetd there: journalctl -u fleet' },
};
