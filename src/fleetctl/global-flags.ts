import { type Command as Commander, Option } from 'commander';
import type { Flag } from './command.ts';
import { usageError } from './command-error.ts';
import { parseDurationMs } from './duration.ts';
import { type Endpoint, endpointDefault, parseEndpoint } from './endpoint.ts';
import { limits } from './limits.ts';
import { parseSwitch } from './switches.ts';

/** What holds for every command. */
export interface GlobalFlags {
  readonly endpoint: Endpoint;
  readonly requestTimeoutMs: number;
  readonly isDebug: boolean;
  /** Things that were asked for and have no effect. */
  readonly warnings: readonly string[];
}

/** A flag of every command; each can be given as FLEETCTL_<FLAG> as well. */
interface GlobalFlag extends Flag {
  readonly key: string;
  readonly variable: string;
}

export const globalFlags: readonly GlobalFlag[] = [
  {
    usage: '--endpoint <url>',
    what: `where fleetd listens: unix:///path or http://host:port (default: ${endpointDefault})`,
    key: 'endpoint',
    variable: 'FLEETCTL_ENDPOINT',
  },
  {
    usage: '--request-timeout <time>',
    what: 'how long one request may take: 3, 0.5 or 500ms (default: 3 s)',
    key: 'requestTimeout',
    variable: 'FLEETCTL_REQUEST_TIMEOUT',
  },
  {
    usage: '--driver <name>',
    what: 'how to reach the cluster; api is the only way left',
    key: 'driver',
    variable: 'FLEETCTL_DRIVER',
    values: ['api'],
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
  const given = new Map<string, Given>();
  for (const { usage, key, variable } of globalFlags) {
    const flag = usage.split(' ')[0] ?? usage;
    const value = values[key];
    const inherited = environment[variable];
    if (typeof value === 'string') given.set(key, { text: value, from: flag });
    else if (value === true) given.set(key, { text: 'true', from: flag });
    else if (inherited !== undefined && inherited !== '') {
      given.set(key, { text: inherited, from: variable });
    }
  }
  checkDriver(given.get('driver'));
  const isOld = readSwitch(given.get('experimentalApi'));
  return {
    endpoint: readEndpoint(given.get('endpoint')),
    requestTimeoutMs: readTimeout(given.get('requestTimeout')),
    isDebug: readSwitch(given.get('debug')),
    warnings: isOld ? ['--experimental-api has no effect: the API is the only way left'] : [],
  };
}

interface Given {
  readonly text: string;
  /** The flag or the variable it came by. */
  readonly from: string;
}

const requestTimeoutMsDefault = 3000;

function checkDriver(given: Given | undefined): void {
  if (given === undefined || given.text === 'api') return;
  const hint = 'point --endpoint at a fleetd, e.g. --endpoint http://10.0.0.1:49153';
  if (given.text === 'etcd') throw usageError("fleet's etcd driver is gone", hint);
  throw usageError(`${given.from}: unknown driver "${given.text}"`, 'the only driver is api');
}

function readEndpoint(given: Given | undefined): Endpoint {
  const endpoint = parseEndpoint(given?.text ?? endpointDefault);
  if (endpoint.ok) return endpoint.value;
  throw usageError(endpoint.error, 'write it as unix:///var/run/fleet.sock or http://host:49153');
}

function readTimeout(given: Given | undefined): number {
  if (given === undefined) return requestTimeoutMsDefault;
  const ms = parseDurationMs(given.text);
  if (ms !== null && ms <= limits.requestTimeoutMsMax) return ms;
  throw usageError(`${given.from}: "${given.text}" is not a time`, 'write it as 3, 0.5 or 500ms');
}

function readSwitch(given: Given | undefined): boolean {
  if (given === undefined) return false;
  const value = parseSwitch(given.text);
  if (value !== null) return value;
  throw usageError(
    `${given.from}: "${given.text}" is neither true nor false`,
    'write true or false',
  );
}
