// daemon: one process of fleetd: its configuration, its identity, its start and its end.
// Wires registry, engine, agent and API together; decides nothing about units or machines.
// Start with main.ts, then daemon.ts.
import { isIP } from 'node:net';
import { fail, ok, type Result } from '../lib/result.ts';

/** Where the API listens. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

/** Everything an operator can set, parsed and with its defaults. */
export interface Settings {
  readonly verbosity: number;
  readonly etcdServers: readonly string[];
  readonly etcdRequestTimeoutMs: number;
  readonly etcdCaFile: string | null;
  readonly etcdCertFile: string | null;
  readonly etcdKeyFile: string | null;
  readonly etcdUsername: string | null;
  readonly etcdPassword: string | null;
  readonly etcdKeyPrefix: string;
  readonly etcdQuotaBytes: number;
  /** null: from the routing table. */
  readonly publicIp: string | null;
  readonly metadata: ReadonlyMap<string, string>;
  readonly agentTtlMs: number;
  /** How long nothing moves when most machines vanish at once; 0: no brake. */
  readonly brakeMs: number;
  /** How long a daemon that does not work still counts as alive; null: `wedgeMsOf`. */
  readonly wedgeMs: number | null;
  readonly unitsDirectory: string;
  /** Drive the systemd of the user who runs fleetd, not the system's. */
  readonly systemdUser: boolean;
  readonly tokenLimitCount: number;
  readonly disableEngine: boolean;
  readonly apiListen: readonly ListenAddress[];
  readonly insecureTcp: boolean;
}

/** etcd grants no shorter leases with its default election timeout. */
export const agentTtlMsMin = 2_000;

/** A daemon that is held up for so long in `agent_ttl` is not stuck yet. */
export const wedgePerTtlMin = 5;

/** A value as it was written, or why it cannot be used. */
type Parse<T> = (text: string) => Result<T, string>;

/** One setting: the field it fills and how its text is read. */
type Setting = {
  readonly [Name in keyof Settings]: {
    readonly field: Name;
    readonly parse: Parse<Settings[Name]>;
  };
}[keyof Settings];

/** How each setting is read, by its name in fleet.conf. */
export const settingParsers: Readonly<Record<string, Setting>> = {
  verbosity: { field: 'verbosity', parse: count(0, 10) },
  etcd_servers: { field: 'etcdServers', parse: urls },
  etcd_request_timeout: { field: 'etcdRequestTimeoutMs', parse: durationMs(100) },
  etcd_cafile: { field: 'etcdCaFile', parse: optionalText },
  etcd_certfile: { field: 'etcdCertFile', parse: optionalText },
  etcd_keyfile: { field: 'etcdKeyFile', parse: optionalText },
  etcd_username: { field: 'etcdUsername', parse: optionalText },
  etcd_password: { field: 'etcdPassword', parse: optionalText },
  etcd_quota_bytes: { field: 'etcdQuotaBytes', parse: count(1024 ** 2, 2 ** 50) },
  etcd_key_prefix: { field: 'etcdKeyPrefix', parse: keyPrefix },
  public_ip: { field: 'publicIp', parse: address },
  metadata: { field: 'metadata', parse: metadata },
  agent_ttl: { field: 'agentTtlMs', parse: durationMs(agentTtlMsMin) },
  brake_seconds: { field: 'brakeMs', parse: seconds(0, 3_600) },
  wedge_seconds: { field: 'wedgeMs', parse: durationMs(wedgePerTtlMin * agentTtlMsMin) },
  units_directory: { field: 'unitsDirectory', parse: absolutePath },
  systemd_user: { field: 'systemdUser', parse: truth },
  token_limit: { field: 'tokenLimitCount', parse: count(1, 1000) },
  disable_engine: { field: 'disableEngine', parse: truth },
  api_listen: { field: 'apiListen', parse: listenAddresses },
  insecure_tcp: { field: 'insecureTcp', parse: truth },
};

/** Every field with its name in fleet.conf. */
export function settingNames(): readonly (readonly [keyof Settings, string])[] {
  return Object.entries(settingParsers).map(([name, { field }]) => [field, name]);
}

/** Settings of fleet 1.0 that mean nothing here; each is answered with why. */
export const settingsWithoutEffect: Readonly<Record<string, string>> = {
  engine_reconcile_interval: 'the engine works on events and needs no interval',
  disable_watches: 'watches cost one stream a machine and cannot be turned off',
  verify_units: 'fleet 1.0 ignored it too',
  authorized_keys_file: 'fleet 1.0 ignored it too',
  enable_grpc: 'there is one protocol between agents and leader',
};

export const settingDefaults: Settings = {
  verbosity: 0,
  etcdServers: ['http://127.0.0.1:2379'],
  etcdRequestTimeoutMs: 1_000,
  etcdCaFile: null,
  etcdCertFile: null,
  etcdKeyFile: null,
  etcdUsername: null,
  etcdPassword: null,
  etcdKeyPrefix: '/_coreos.com/fleet/',
  etcdQuotaBytes: 2 * 1024 ** 3,
  publicIp: null,
  metadata: new Map(),
  agentTtlMs: 10_000,
  brakeMs: 60_000,
  wedgeMs: null,
  unitsDirectory: '/run/fleet/units',
  systemdUser: false,
  tokenLimitCount: 100,
  disableEngine: false,
  apiListen: [{ kind: 'unix', path: '/run/fleet.sock' }],
  insecureTcp: false,
};

/** `wedge_seconds`: a minute unless it is set, or more where the TTL is so long that it takes it. */
export function wedgeMsOf({ wedgeMs, agentTtlMs }: Settings): number {
  return wedgeMs ?? Math.max(60_000, wedgePerTtlMin * agentTtlMs);
}

function optionalText(text: string): Result<string | null, string> {
  return ok(text === '' ? null : text);
}

/** fleet 1.0 took any text; a name is fine, a mistyped address is not. */
function address(text: string): Result<string | null, string> {
  if (text === '' || isIP(text) !== 0) return optionalText(text);
  const isName = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(text) && /[a-z]/i.test(text);
  return isName ? ok(text) : fail('must be an address such as 10.0.0.5, or a host name');
}

function absolutePath(text: string): Result<string, string> {
  return text.startsWith('/')
    ? ok(text.replace(/(?<=.)\/+$/, ''))
    : fail('must be an absolute path, e.g. /run/fleet/units');
}

function keyPrefix(text: string): Result<string, string> {
  return /^\/[^\s]*$/.test(text)
    ? ok(text.endsWith('/') ? text : `${text}/`)
    : fail('must start with / and hold no spaces, e.g. /_coreos.com/fleet/');
}

function truth(text: string): Result<boolean, string> {
  if (/^(1|true|yes|on|t)$/i.test(text)) return ok(true);
  if (/^(0|false|no|off|f)$/i.test(text)) return ok(false);
  return fail('must be true or false');
}

function count(min: number, max: number): Parse<number> {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max
      ? ok(value)
      : fail(`must be a whole number from ${min} to ${max}`);
  };
}

function seconds(min: number, max: number): Parse<number> {
  const parse = count(min, max);
  return (text) => {
    const value = parse(text);
    return value.ok ? ok(value.value * 1_000) : value;
  };
}

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** `30s`, `500ms`, `1m30s`, or a bare number of seconds as fleet 1.0 allowed in places. */
function durationMs(minMs: number): Parse<number> {
  return (text) => {
    const bare = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : null;
    const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)];
    const isWhole = parts.length > 0 && parts.map((part) => part[0]).join('') === text;
    const sum = parts.reduce((ms, [, n, unit]) => ms + Number(n) * (unitMs[unit ?? ''] ?? 0), 0);
    const ms = bare ?? (isWhole ? sum : Number.NaN);
    if (Number.isNaN(ms)) return fail('must be a time such as 10s, 500ms or 1m30s');
    return ms >= minMs && ms <= 3_600_000
      ? ok(Math.round(ms))
      : fail(`must be from ${minMs} ms to 1 h`);
  };
}

/** `["http://a:2379", "http://b:2379"]` or `http://a:2379,http://b:2379`. */
function urls(text: string): Result<readonly string[], string> {
  const items = listItems(text);
  if (items.length === 0) return fail('must name at least one URL, e.g. http://127.0.0.1:2379');
  const bad = items.find((item) => !/^https?:\/\/[^\s/,]+\/?$/.test(item));
  return bad === undefined
    ? ok(items.map((item) => item.replace(/\/$/, '')))
    : fail(`'${bad}' is not a URL such as http://127.0.0.1:2379`);
}

function listItems(text: string): string[] {
  return text
    .replace(/^\s*\[|\]\s*$/g, '')
    .split(',')
    .map((item) => item.trim().replace(/^(["'])(.*)\1$/, '$2'))
    .filter((item) => item !== '');
}

function metadata(text: string): Result<ReadonlyMap<string, string>, string> {
  const entries = new Map<string, string>();
  for (const item of listItems(text)) {
    const at = item.indexOf('=');
    const key = item.slice(0, at).trim();
    if (at < 1 || key === '' || key.includes('/')) return fail(`'${item}' is not key=value`);
    entries.set(key, item.slice(at + 1).trim());
  }
  return ok(entries);
}

function listenAddresses(text: string): Result<readonly ListenAddress[], string> {
  const addresses: ListenAddress[] = [];
  for (const item of listItems(text)) {
    const address = listenAddress(item);
    if (address === null) {
      return fail(`'${item}' is neither unix:///PATH nor tcp://ADDRESS:PORT`);
    }
    addresses.push(address);
  }
  return addresses.length > 0 ? ok(addresses) : fail('must name at least one address');
}

function listenAddress(item: string): ListenAddress | null {
  const unix = /^unix:\/\/(\/.+)$/.exec(item);
  if (unix?.[1] !== undefined) return { kind: 'unix', path: unix[1] };
  const tcp = /^tcp:\/\/(?:\[([\da-fA-F:]+)\]|([^\s:/]+)):(\d+)$/.exec(item);
  const host = tcp?.[1] ?? tcp?.[2];
  const port = Number(tcp?.[3]);
  return host !== undefined && port >= 1 && port <= 65_535 ? { kind: 'tcp', host, port } : null;
}
