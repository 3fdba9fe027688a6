import { request } from 'node:http';
import { ports } from '../../src/lab/names.ts';

/** What a fleetd answered. */
export interface ApiAnswer {
  readonly status: number;
  readonly text: string;
}

const answerMs = 30_000;

/** One request to a fleetd over a connection of its own, which is closed after the answer. */
export function apiCall(
  address: string,
  method: 'GET' | 'PUT' | 'DELETE',
  path: string,
  body: unknown = null,
): Promise<ApiAnswer> {
  return new Promise((resolve, reject) => {
    const headers = body === null ? {} : { 'content-type': 'application/json' };
    const to = { host: address, port: ports.fleetd, path: `/fleet/v1${path}` };
    const timeout = AbortSignal.timeout(answerMs);
    const asked = request({ ...to, method, headers, agent: false, signal: timeout }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => {
        text += part;
      });
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    asked.on('error', reject);
    asked.end(body === null ? undefined : JSON.stringify(body));
  });
}
