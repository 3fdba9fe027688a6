import { type Command as Commander, Option } from 'commander';
import { usageError } from './command-error.ts';
import { parseDurationMs } from './duration.ts';
import { type Endpoint, endpointDefault, endpointText, parseEndpoints } from './endpoint.ts';
import { type Given, type GlobalFlag, givenFlags, readSwitch } from './global-flag.ts';
import { homeOf } from './here.ts';
import { limits } from './limits.ts';
import { readSshSettings, type SshSettings, sshGlobalFlags } from './ssh-settings.ts';
import { oldTlsWarnings, readTlsFiles, type TlsMaterial, tlsGlobalFlags } from './tls-files.ts';

/** What holds for every command. */
export interface GlobalFlags {
  readonly endpoint: Endpoint;
  /** Endpoints to try, in this order, when that one does not answer. */
  readonly otherEndpoints: readonly Endpoint[];
  readonly requestTimeoutMs: number;
  readonly isDebug: boolean;
  readonly ssh: SshSettings;
  readonly tls: TlsMaterial;
  /** Things that were asked for and have no effect. */
  readonly warnings: readonly string[];
}

/** Every flag of every command. */
export const globalFlags: readonly GlobalFlag[] = [
  {
    usage: '--endpoint <url>',
    what:
      'where fleetd listens: unix:///path or http(s)://host:port; of several with commas between, ' +
      `the first that answers (default: ${endpointDefault})`,
    key: 'endpoint',
    variable: 'FLEETCTL_ENDPOINT',
  },
  {
    usage: '--request-timeout <time>',
    what: 'how long one request may take: 3, 0.5 or 500ms (default: 3 s)',
    key: 'requestTimeout',
    variable: 'FLEETCTL_REQUEST_TIMEOUT',
  },
  ...sshGlobalFlags,
  ...tlsGlobalFlags,
  {
    usage: '--driver <name>',
    what: 'how to reach the cluster; api is the only way left',
    key: 'driver',
    variable: 'FLEETCTL_DRIVER',
    values: ['api'],
  },
  {
    usage: '--etcd-key-prefix <path>',
    what: 'without effect; kept for old scripts',
    key: 'etcdKeyPrefix',
    variable: 'FLEETCTL_ETCD_KEY_PREFIX',
  },
  {
    usage: '--experimental-api',
    what: 'without effect; kept for old scripts',
    key: 'experimentalApi',
    variable: 'FLEETCTL_EXPERIMENTAL_API',
  },
  {
    usage: '--debug',
    what: 'tell each request, and the stack of an error',
    key: 'debug',
    variable: 'FLEETCTL_DEBUG',
  },
];

/** Adds the flags of every command to the program. */
export function addGlobalFlags(program: Commander): void {
  for (const { usage, what } of globalFlags) program.addOption(new Option(usage, what));
}

/** Values by the names that `readGlobalFlags` takes them under, from long names as typed. */
export function globalValues(typed: ReadonlyMap<string, string>): Record<string, string> {
  const known = globalFlags.flatMap(({ usage, key }) => {
    const value = typed.get(usage.split(' ')[0] ?? usage);
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(known);
}

/** Reads them: a flag wins over the environment. Throws CommandError with status 2. */
export function readGlobalFlags(
  values: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): GlobalFlags {
  const given = givenFlags(globalFlags, values, environment);
  checkDriver(given.get('driver'));
  const [endpoint, ...otherEndpoints] = readEndpoints(given.get('endpoint'));
  const isOld = readSwitch(given.get('experimentalApi'));
  const tls = readTlsFiles(given);
  const prefix = given.get('etcdKeyPrefix');
  const isSecure = [endpoint, ...otherEndpoints].some(({ kind }) => kind === 'tls');
  const hasVainTls = !isSecure && Object.keys(tls).length > 0;
  return {
    endpoint,
    otherEndpoints,
    ssh: readSshSettings(given, homeOf(environment)),
    tls,
    requestTimeoutMs: readTimeout(given.get('requestTimeout')),
    isDebug: readSwitch(given.get('debug')),
    warnings: [
      ...(isOld ? ['--experimental-api has no effect: the API is the only way left'] : []),
      ...oldTlsWarnings(given),
      ...(prefix === undefined ? [] : [`${prefix.from} has no effect: only fleetd reads etcd`]),
      ...(hasVainTls ? [`TLS files have no effect: ${endpointText(endpoint)} is not https`] : []),
    ],
  };
}

const requestTimeoutMsDefault = 3000;

function checkDriver(given: Given | undefined): void {
  if (given === undefined || given.text.toLowerCase() === 'api') return;
  const hint = 'point --endpoint at a fleetd, e.g. --endpoint http://10.0.0.1:49153';
  if (given.text === 'etcd') throw usageError("fleet's etcd driver is gone", hint);
  throw usageError(`${given.from}: unknown driver "${given.text}"`, 'the only driver is api');
}

function readEndpoints(given: Given | undefined): readonly [Endpoint, ...Endpoint[]] {
  const endpoints = parseEndpoints(given?.text ?? endpointDefault);
  if (endpoints.ok) return endpoints.value;
  throw usageError(endpoints.error, 'write it as unix:///var/run/fleet.sock or http://host:49153');
}

function readTimeout(given: Given | undefined): number {
  if (given === undefined) return requestTimeoutMsDefault;
  const ms = parseDurationMs(given.text);
  if (ms !== null && ms <= limits.requestTimeoutMsMax) return ms;
  throw usageError(`${given.from}: "${given.text}" is not a time`, 'write it as 3, 0.5 or 500ms');
}
