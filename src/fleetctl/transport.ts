import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { FleetError, messageOf } from '../lib/error.ts';
import { type Endpoint, endpointText } from './endpoint.ts';
import { limits } from './limits.ts';

/** One request to fleetd. */
export interface ApiRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** Path and query. */
  readonly path: string;
  readonly body?: object;
}

/** What came back. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

/** How to reach a fleetd. */
export interface TransportOptions {
  readonly endpoint: Endpoint;
  /** One request may take so long, from connecting to the last byte. */
  readonly requestTimeoutMs: number;
}

/** HTTP over a unix socket or TCP, on connections that are kept. Throws `api/unreachable`. */
export class Transport {
  readonly #options: TransportOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: limits.requestCountMax });

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  get endpoint(): Endpoint {
    return this.#options.endpoint;
  }

  async send(what: ApiRequest): Promise<ApiAnswer> {
    const { endpoint, requestTimeoutMs } = this.#options;
    const deadline = AbortSignal.timeout(requestTimeoutMs);
    try {
      return await this.#exchange(what, deadline);
    } catch (error) {
      if (error instanceof FleetError) throw error;
      throw deadline.aborted ? tooSlow(endpoint, requestTimeoutMs) : unreachable(endpoint, error);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #exchange({ method, path, body }: ApiRequest, signal: AbortSignal): Promise<ApiAnswer> {
    const { endpoint } = this.#options;
    const payload = body === undefined ? null : Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = request({
        ...(endpoint.kind === 'unix'
          ? { socketPath: endpoint.path }
          : { host: endpoint.host, port: endpoint.port }),
        agent: this.#agent,
        method,
        path,
        signal,
        headers:
          payload === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': payload.length },
      });
      sent.once('error', reject);
      sent.once('response', (response) => {
        readAll(response).then(
          (text) => resolve({ status: response.statusCode ?? 0, text }),
          reject,
        );
      });
      sent.end(payload ?? undefined);
    });
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

function unreachable(endpoint: Endpoint, error: unknown): FleetError {
  const where = endpointText(endpoint);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_')) return notFleetd(endpoint, 'it does not speak HTTP');
  const cause = explanations[code] ?? {
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

const elsewhere = 'or name another with --endpoint or FLEETCTL_ENDPOINT';

const nobody = {
  what: 'nobody listens at WHERE',
  hint: `start fleetd there (systemctl start fleet), ${elsewhere}`,
};

const explanations: Readonly<Record<string, { readonly what: string; readonly hint: string }>> = {
  ENOENT: nobody,
  ECONNREFUSED: nobody,
  ENOTSOCK: { what: 'WHERE is not a socket', hint: `check the path, ${elsewhere}` },
  EACCES: {
    what: 'no permission to use WHERE',
    hint: 'be root, or of the group that owns the socket',
  },
  ENOTFOUND: { what: 'there is no host for WHERE', hint: `check its name, ${elsewhere}` },
  EAI_AGAIN: { what: 'the name in WHERE cannot be looked up now', hint: 'check DNS, or use an IP' },
  EHOSTUNREACH: { what: 'there is no route to WHERE', hint: `is it off? Start it, ${elsewhere}` },
  ENETUNREACH: { what: 'there is no route to WHERE', hint: 'check the network' },
  ECONNRESET: { what: 'WHERE hung up', hint: 'look at fleetd there: journalctl -u fleet' },
};
