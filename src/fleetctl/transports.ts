import { FleetError } from '../lib/error.ts';
import { type Endpoint, endpointText } from './endpoint.ts';
import { type ApiAnswer, type ApiRequest, Transport, type TransportOptions } from './transport.ts';

/** Several ways to reach the API of one cluster. */
export interface TransportsOptions extends TransportOptions {
  /** What to try when that does not answer, in this order. */
  readonly others?: readonly Pick<TransportOptions, 'endpoint' | 'openStream'>[];
}

/**
 * The first of several endpoints that answers, and that one again as long as it does. A write is
 * sent to another one only when it cannot have reached the first. Throws `api/unreachable` that
 * names all that were tried.
 */
export class Transports {
  readonly #all: readonly Transport[];
  /** The one that answered last, or is to be tried first. */
  #current: Transport;

  constructor({ others = [], ...options }: TransportsOptions) {
    this.#current = new Transport(options);
    this.#all = [
      this.#current,
      ...others.map((other) => new Transport({ ...options, openStream: null, ...other })),
    ];
  }

  get endpoint(): Endpoint {
    return this.#current.endpoint;
  }

  async send(what: ApiRequest): Promise<ApiAnswer> {
    const first = this.#current;
    const troubles: FleetError[] = [];
    for (const transport of [first, ...this.#all.filter((one) => one !== first)]) {
      try {
        const answer = await transport.send(what);
        this.#current = transport;
        return answer;
      } catch (error) {
        if (!(error instanceof FleetError)) throw error;
        troubles.push(error);
        if (what.method !== 'GET' && !wasNeverSent(error)) break;
      }
    }
    throw this.#all.length === 1 ? troubles[0] : this.#inVain(troubles);
  }

  close(): void {
    for (const transport of this.#all) transport.close();
  }

  #inVain(troubles: readonly FleetError[]): FleetError {
    const [first] = troubles;
    const known = this.#all.map(({ endpoint }) => endpointText(endpoint)).join(', ');
    const why = troubles.map(({ message }) => message).join('; ');
    return new FleetError(`no fleetd answers at ${known}: ${why}`, {
      code: 'api/unreachable',
      retry: troubles.some(({ trouble }) => trouble.retry === 'soon') ? 'soon' : 'never',
      hint: first?.trouble.hint ?? '',
      cause: first,
    });
  }
}

/** Nobody was there to take the request. */
function wasNeverSent({ cause }: FleetError): boolean {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return /^(ENOENT|ENOTSOCK|EACCES|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|E(HOST|NET)UNREACH)$/.test(
    code,
  );
}
