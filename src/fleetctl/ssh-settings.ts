import { isIP } from 'node:net';
import { printable } from '../unitfile/problem.ts';
import { usageError } from './command-error.ts';
import { parseDurationMs } from './duration.ts';
import type { Given, GivenFlags, GlobalFlag } from './global-flag.ts';
import { limits } from './limits.ts';
import { parseSwitch } from './switches.ts';

/** A machine to be reached by ssh; null: as ssh's own configuration has it. */
export interface SshHost {
  readonly user: string | null;
  /** A name, an address, or a `Host` of ~/.ssh/config. */
  readonly host: string;
  readonly port: number | null;
}

/** ssh's words for what to do with the key of a host. */
export type HostKeyChecking = 'yes' | 'ask' | 'accept-new' | 'no';

/** What was asked for about SSH. null: nothing was, so that ~/.ssh/config decides before we do. */
export interface SshSettings {
  /** The machine whose fleetd is meant, and through which others are reached. */
  readonly tunnel: SshHost | null;
  readonly username: string | null;
  readonly timeoutMs: number | null;
  readonly hostKeyChecking: HostKeyChecking | null;
  readonly knownHostsFile: string | null;
}

/** The global flags about SSH. */
export const sshGlobalFlags: readonly GlobalFlag[] = [
  {
    usage: '--tunnel <host>',
    what: 'reach fleetd, and machines, by ssh through this one: [USER@]HOST[:PORT]',
    key: 'tunnel',
    variable: 'FLEETCTL_TUNNEL',
  },
  {
    usage: '--ssh-username <name>',
    what: 'who to be on machines (default: as ~/.ssh/config says, or core)',
    key: 'sshUsername',
    variable: 'FLEETCTL_SSH_USERNAME',
  },
  {
    usage: '--ssh-timeout <time>',
    what: 'how long connecting by ssh may take (default: as ~/.ssh/config says, or 10 s)',
    key: 'sshTimeout',
    variable: 'FLEETCTL_SSH_TIMEOUT',
  },
  {
    usage: '--strict-host-key-checking <mode>',
    what: 'true: ask about unknown hosts; false: trust them; or a word of ssh_config',
    key: 'strictHostKeyChecking',
    variable: 'FLEETCTL_STRICT_HOST_KEY_CHECKING',
  },
  {
    usage: '--known-hosts-file <path>',
    what: 'the keys of hosts (default: ~/.fleetctl/known_hosts and those of ssh)',
    key: 'knownHostsFile',
    variable: 'FLEETCTL_KNOWN_HOSTS_FILE',
  },
];

/** How long connecting takes at most where neither a flag nor ~/.ssh/config says so. */
export const sshTimeoutMsDefault = 10_000;

/** Reads what `sshGlobalFlags` offers. Throws CommandError with status 2. */
export function readSshSettings(given: GivenFlags, home: string): SshSettings {
  return {
    tunnel: readTunnel(given.get('tunnel')),
    username: readUsername(given.get('sshUsername')),
    timeoutMs: readTimeout(given.get('sshTimeout')),
    hostKeyChecking: readChecking(given.get('strictHostKeyChecking')),
    knownHostsFile: readPath(given.get('knownHostsFile'), home),
  };
}

/** Reads a port; null when the text is none. */
export function parsePort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port >= 1 && port <= 65_535 ? port : null;
}

/** Reads `[USER@]HOST[:PORT]`, IPv6 addresses with or without brackets; null when it is none. */
export function parseSshHost(text: string): SshHost | null {
  const parts = /^(?:([^@]+)@)?(?:\[([^\]]+)\]|([^@[\]]+?))(?::(\d+))?$/.exec(text);
  if (parts === null) return null;
  const [, user = null, bracketed, plain = '', portText = null] = parts;
  if (user !== null && !isUser(user)) return null;
  const address = text.slice(text.indexOf('@') + 1);
  if (isIP(address) === 6) return { user, host: address, port: null };
  const port = portText === null ? null : parsePort(portText);
  const host = bracketed ?? plain;
  const isGood = bracketed === undefined ? isHostName(plain) : isIP(bracketed) === 6;
  return isGood && (port !== null || portText === null) ? { user, host, port } : null;
}

/** Nothing that ssh, its configuration or a shell would take for something else. */
function isHostName(text: string): boolean {
  return /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}$/.test(text);
}

function isUser(text: string): boolean {
  return /^[A-Za-z0-9_.\\+][A-Za-z0-9_.\\+@$-]{0,254}$/.test(text);
}

function readTunnel(given: Given | undefined): SshHost | null {
  if (given === undefined) return null;
  const tunnel = parseSshHost(given.text);
  if (tunnel !== null) return tunnel;
  throw mistake(given, 'is not a host', 'write it as HOST or HOST:PORT, e.g. 10.0.0.1:22');
}

function readUsername(given: Given | undefined): string | null {
  if (given === undefined || isUser(given.text)) return given?.text ?? null;
  throw mistake(given, 'is not a user name', 'name a user of the machines, e.g. core');
}

function readTimeout(given: Given | undefined): number | null {
  if (given === undefined) return null;
  const ms = parseDurationMs(given.text);
  if (ms !== null && ms <= limits.sshTimeoutMsMax) return ms;
  throw mistake(given, 'is not a time', 'write it as 10, 2.5 or 500ms');
}

function readChecking(given: Given | undefined): HostKeyChecking | null {
  if (given === undefined) return null;
  const words = ['yes', 'ask', 'accept-new', 'no'] as const;
  const word = words.find((candidate) => candidate === given.text);
  if (word !== undefined) return word;
  const isStrict = parseSwitch(given.text);
  // As in fleet 1.0: strict means that an unknown host is asked about, not that it is refused.
  if (isStrict !== null) return isStrict ? 'ask' : 'no';
  throw mistake(given, 'is no way to check host keys', 'write true, false, yes, or accept-new');
}

function readPath(given: Given | undefined, home: string): string | null {
  if (given === undefined) return null;
  if (/^[^"\p{C}]+$/u.test(given.text)) return given.text.replace(/^~(?=\/|$)/, () => home);
  throw mistake(given, 'is not a path', 'name a file, without quotes in its name');
}

function mistake({ text, from }: Given, what: string, hint: string): Error {
  return usageError(`${from}: "${printable(text, 100)}" ${what}`, hint);
}
