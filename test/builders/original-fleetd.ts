import { createServer, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import type { Session } from './fleetctl-session.ts';

/** What the fleetd of fleet 1.0 says of a unit, and nothing else. */
const knownFields = ['name', 'options', 'desiredState', 'currentState', 'machineID'];

/** Stands before the API of a session and leaves out whatever fleet 1.0 did not know. */
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
      const told = await forward(session, { method, path, body });
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

/** Units, alone or in a page, without our additions; anything else as it is. */
function plain(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body;
  const page: unknown = Reflect.get(body, 'units');
  if (Array.isArray(page)) return { ...body, units: page.map(plain) };
  if (!('desiredState' in body)) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => knownFields.includes(name)));
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
