import { fail, ok, type Result } from '../lib/result.ts';

/** Where a fleetd listens. */
export type Endpoint =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp' | 'tls'; readonly host: string; readonly port: number };

/** Where fleetd listens unless it is told otherwise. */
export const endpointDefault = 'unix:///var/run/fleet.sock';

/** Reads endpoints with commas between; there is one at least. */
export function parseEndpoints(text: string): Result<readonly [Endpoint, ...Endpoint[]], string> {
  const endpoints: Endpoint[] = [];
  for (const item of text.split(',')) {
    const endpoint = parseEndpoint(item.trim());
    if (!endpoint.ok) return endpoint;
    endpoints.push(endpoint.value);
  }
  const [first, ...others] = endpoints;
  return first === undefined ? fail('there is no endpoint') : ok([first, ...others]);
}

/** Reads `unix:///path`, or `file:///path` (the same), `http://host[:port]` or `https://…`. */
export function parseEndpoint(text: string): Result<Endpoint, string> {
  const scheme = /^(unix|file):\/\//.exec(text)?.[0];
  if (scheme !== undefined) {
    const path = text.slice(scheme.length);
    return path.startsWith('/')
      ? ok({ kind: 'unix', path })
      : fail(`endpoint "${text}" has no absolute path`);
  }
  const url = /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text) : null;
  if (url === null) return fail(`endpoint "${text}" is not an address of a fleetd`);
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '') {
    return fail(`endpoint "${text}" has more than a host and a port`);
  }
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1'); // as node:http wants IPv6
  const isTls = url.protocol === 'https:';
  const port = url.port === '' ? (isTls ? 443 : 80) : Number(url.port);
  return ok({ kind: isTls ? 'tls' : 'tcp', host, port });
}

/** An endpoint as it is written. */
export function endpointText(endpoint: Endpoint): string {
  if (endpoint.kind === 'unix') return `unix://${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${endpoint.kind === 'tls' ? 'https' : 'http'}://${host}:${endpoint.port}`;
}
