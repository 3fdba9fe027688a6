import { messageOf } from '../../lib/error.ts';
import { labFailed } from '../trouble.ts';

const answerMsMax = 60_000;

/** etcd over HTTP and JSON, as every member offers it: enough to look after one prefix. */
export class EtcdGateway {
  readonly #endpoint: string;

  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  /** How many keys begin with `prefix`. Throws `lab/failed`. */
  async countKeys(prefix: string): Promise<number> {
    const answer = await this.#ask('kv/range', { ...rangeOf(prefix), count_only: true });
    return Number(answer['count'] ?? 0);
  }

  /** Deletes every key that begins with `prefix`. Throws `lab/failed`. */
  async deleteKeys(prefix: string): Promise<void> {
    await this.#ask('kv/deleterange', rangeOf(prefix));
  }

  /** Ends a lease; one that is gone is no trouble. */
  async revokeLease(leaseId: string): Promise<void> {
    await this.#ask('lease/revoke', { ID: leaseId }, /lease not found/);
  }

  async #ask(
    what: string,
    body: object,
    harmless: RegExp | null = null,
  ): Promise<Readonly<Record<string, unknown>>> {
    const url = `${this.#endpoint}/v3/${what}`;
    try {
      const signal = AbortSignal.timeout(answerMsMax);
      const response = await fetch(url, { method: 'POST', body: JSON.stringify(body), signal });
      const text = await response.text();
      if (response.ok || harmless?.test(text)) return JSON.parse(text);
      throw new Error(`${response.status} ${text.slice(0, 200)}`);
    } catch (error) {
      const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
      throw labFailed(`${url}: ${messageOf(cause)}`, 'is that the client URL of an etcd member?');
    }
  }
}

/** Keys and ends of ranges are bytes, in base64. */
function rangeOf(prefix: string): { readonly key: string; readonly range_end: string } {
  const end = Buffer.from(prefix);
  end[end.length - 1] = (end.at(-1) ?? 0) + 1;
  return { key: Buffer.from(prefix).toString('base64'), range_end: end.toString('base64') };
}
