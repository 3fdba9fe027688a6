import { fail, ok, type Result } from '../lib/result.ts';

/** Where a fleetd listens. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** Where fleetd listens unless it is told otherwise. */
export const endpointDefault = 'unix:///var/run/fleet.sock';

/** Reads `unix:///path` or `http://host[:port]`. */
export function parseEndpoint(text: string): Result<Endpoint, string> {
  if (text.startsWith('unix://')) {
    const path = text.slice('unix://'.length);
    return path.startsWith('/')
      ? ok({ kind: 'unix', path })
      : fail(`endpoint "${text}" has no absolute path`);
  }
  if (text.startsWith('https://')) {
    return fail(`endpoint "${text}": TLS is not supported yet`);
  }
  const url = text.startsWith('http://') && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return fail(`endpoint "${text}" is not an address of a fleetd`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return fail(`endpoint "${text}" has more than a host and a port`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1'); // as node:http wants IPv6
  return ok({ kind: 'tcp', host, port: url.port === '' ? 80 : Number(url.port) });
}

/** An endpoint as it is written. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `http://${host}:${endpoint.port}`;
}
