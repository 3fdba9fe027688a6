import { createServer, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import type { Session } from './fleetctl-session.ts';

/** All that the fleetd of fleet 1.0 says of units, states and machines, and reads of units. */
const knownFields: ReadonlySet<string> = new Set([
  ...['units', 'states', 'machines', 'nextPageToken', 'error', 'code', 'message'],
  ...['name', 'options', 'section', 'value', 'desiredState', 'currentState', 'machineID'],
  ...['hash', 'systemdLoadState', 'systemdActiveState', 'systemdSubState'],
  ...['id', 'primaryIP', 'metadata'],
]);

/** Queries it knows: not `limit`, not `brief`. */
const knownQueries: ReadonlySet<string> = new Set(['nextPageToken', 'unitName', 'machineID']);

/** Its pages, as `token_limit` makes them: small, so that a few units take several. */
const pageItemsCount = 3;

/**
 * Stands before the API of a session and leaves out whatever fleet 1.0 did not know, and whatever is
 * empty: what Go calls `omitempty`.
 */
export interface OriginalFleetd {
  readonly endpoint: string;
  /** `PUT a.service {"desiredState":"loaded"}`: every write that came. */
  readonly writes: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

export async function anOriginalFleetd(session: Session): Promise<OriginalFleetd> {
  const writes: string[] = [];
  const server = createServer((asked, answer) => {
    void readAll(asked).then(async (text) => {
      const { method = 'GET', url: path = '/' } = asked;
      if (path === '/fleet/v1/notices') {
        // What Go's own router says of a path that it does not know.
        answer.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' });
        answer.end('404 page not found\n');
        return;
      }
      if (method !== 'GET') writes.push(`${method} ${path.split('/').at(-1)} ${text}`.trim());
      const body = text === '' ? '' : JSON.stringify(plain(JSON.parse(text)));
      const told = await forward(session, { method, path: plainPath(path), body });
      answer.writeHead(told.status, { 'content-type': 'application/json' });
      answer.end(told.text === '' ? '' : JSON.stringify(plain(JSON.parse(told.text))));
    });
  });
  const socketPath = join(session.server.folder, 'original.sock');
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    endpoint: `unix://${socketPath}`,
    writes,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

function plainPath(path: string): string {
  const url = new URL(path, 'http://original');
  for (const name of [...url.searchParams.keys()]) {
    if (!knownQueries.has(name)) url.searchParams.delete(name);
  }
  url.searchParams.set('limit', String(pageItemsCount));
  return `${url.pathname}${url.search}`;
}

/** A body as fleet 1.0 would say or read it. */
function plain(body: unknown): unknown {
  if (Array.isArray(body)) return body.map(plain);
  if (typeof body !== 'object' || body === null) return body;
  const isGlobal = 'global' in body && body.global === true;
  const known = Object.entries(body).flatMap(([name, value]): [string, unknown][] => {
    if (!knownFields.has(name) || isEmpty(value)) return [];
    if (name === 'machines' && 'desiredState' in body) return []; // of a page, not of a unit
    if (name === 'metadata') return [[name, value]];
    // Of a global unit it does not follow how far it is.
    if (name === 'currentState' && isGlobal) return [[name, 'inactive']];
    return [[name, plain(value)]];
  });
  return Object.fromEntries(known);
}

function isEmpty(value: unknown): boolean {
  if (value === '' || value === null) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function forward(
  session: Session,
  what: { readonly method: string; readonly path: string; readonly body: string },
): Promise<{ readonly status: number; readonly text: string }> {
  const { method, path, body } = what;
  return new Promise((resolve, reject) => {
    const headers = body === '' ? {} : { 'content-type': 'application/json' };
    const { socketPath } = session.server;
    const sent = request({ socketPath, method, path, headers }, (answer) => {
      const status = answer.statusCode ?? 0;
      readAll(answer).then((text) => resolve({ status, text }), reject);
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

async function readAll(stream: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of stream) text += String(part);
  return text;
}
