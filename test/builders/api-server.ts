import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Api, type ApiOptions, createApi } from '../../src/api/server.ts';

/** Lines that were logged, for tests that expect some or none. */
export interface CapturedLog {
  readonly lines: { readonly level: string; readonly fields: object; readonly message: string }[];
  readonly log: ApiOptions['log'];
}

export function captureLog(): CapturedLog {
  const lines: CapturedLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  const log = { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
  return { lines, log };
}

/** The API on a unix socket of its own. */
export interface ApiServer {
  readonly api: Api;
  readonly folder: string;
  readonly socketPath: string;
  readonly captured: CapturedLog;
  /** Connections that are open now. */
  connectionCount(): Promise<number>;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function serveOnSocket(
  options: Omit<ApiOptions, 'log' | 'version'>,
): Promise<ApiServer> {
  const captured = captureLog();
  const api = await createApi({ ...options, log: captured.log, version: '0.1.0' });
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-api-'));
  const socketPath = join(folder, 'fleet.sock');
  const server = createServer(api.requestListener);
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  return {
    api,
    folder,
    socketPath,
    captured,
    connectionCount: () =>
      new Promise((resolve, reject) => {
        server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
      }),
    async [Symbol.asyncDispose]() {
      await closeServer(server);
      await api.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(() => resolve()));
}
