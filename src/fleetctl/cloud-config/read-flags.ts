import { readFileSync } from 'node:fs';
import { messageOf } from '../../lib/error.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { FlagValues } from '../flag.ts';
import { type PackagePlace, type Role, roles } from './user-data.ts';

/** What was asked of `fleetctl cloud-config`, checked. */
export interface Asked {
  readonly role: Role;
  /** null: the cluster is asked. */
  readonly etcdServers: readonly string[] | null;
  readonly metadata: ReadonlyMap<string, string>;
  readonly sshKeys: readonly string[];
  readonly package: PackagePlace;
}

const limits = { keyFileBytesMax: 64 * 1024 } as const;

/** Reads the flags. Throws CommandError for the first that cannot be used. */
export function readAsked(flags: FlagValues): Asked {
  const role = readRole(flags['role']);
  const etcdServers = flags['etcd'] === undefined ? null : texts(flags['etcd']).map(etcdUrl);
  if (etcdServers !== null && !isJoining(role)) {
    throw usageError(
      `a ${role} begins an etcd of its own: --etcd is not for it`,
      'leave --etcd out, or choose --role member or proxy',
    );
  }
  return {
    role,
    etcdServers,
    metadata: readMetadata(texts(flags['metadata'])),
    sshKeys: texts(flags['sshKey']).flatMap(readKeys),
    package: readPackage(flags['package']),
  };
}

/** Does it become part of a fleet that is there? */
export function isJoining(role: Role): boolean {
  return role === 'member' || role === 'proxy';
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function readRole(value: unknown): Role {
  const role = roles.find((known) => known === (value ?? 'proxy'));
  if (role !== undefined) return role;
  throw usageError(`"${String(value)}" is not a role`, `roles are ${roles.join(', ')}`);
}

function etcdUrl(text: string): string {
  const isUrl = /^https?:\/\/[^\s/?#,"'@\\]+\/?$/.test(text) && URL.canParse(text);
  if (isUrl && new URL(text).hostname !== '') return text.replace(/\/$/, '');
  throw usageError(
    `--etcd: "${text}" is not where an etcd answers`,
    'write it as http://10.0.0.11:2379; --etcd for each one',
  );
}

function readMetadata(pairs: readonly string[]): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  for (const pair of pairs) {
    const at = pair.indexOf('=');
    const [key, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const problem = at < 1 ? 'is not KEY=VALUE' : metadataProblem(key, value);
    if (problem !== null) {
      throw usageError(
        `--metadata: ${JSON.stringify(pair)} ${problem}`,
        'write --metadata region=eu, and --metadata again for each further one',
      );
    }
    if (metadata.has(key)) {
      throw usageError(`--metadata: ${key} is given twice`, 'a key has one value');
    }
    metadata.set(key, value);
  }
  return metadata;
}

/** What fleet.conf could not carry to fleetd as it is written. */
function metadataProblem(key: string, value: string): string | null {
  if (!/^[\w.-]+$/.test(key)) return 'has a key of other than letters, digits, dots and dashes';
  if (value === '') return 'has no value';
  if (value.includes(',')) return 'has a comma in its value';
  if (/["']/.test(value)) return 'has a quote in its value';
  if (/[\\[\]]|\p{Cc}|^\s|\s$/u.test(value)) {
    return 'has a backslash, a bracket, a control character or a space at an end in its value';
  }
  return null;
}

const publicKey = /(^|\s)(ssh-\w+|ecdsa-sha2-[\w-]+|sk-[\w@.-]+) [A-Za-z0-9+/]{16,}={0,3}(\s|$)/;

/** The public keys in a file, a line each. */
function readKeys(path: string): readonly string[] {
  const text = readText(path);
  if (/PRIVATE KEY/.test(text)) {
    throw new CommandError(`${path} is a private key: it must not leave this machine`, {
      hint: `name the public one, ${path}.pub`,
    });
  }
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const keys = lines.filter((line) => line !== '' && !line.startsWith('#'));
  const bad = keys.find((key) => !publicKey.test(key));
  if (keys.length > 0 && bad === undefined) return keys;
  throw new CommandError(`${path} is not a public key of SSH`, {
    hint: 'name a file such as ~/.ssh/id_ed25519.pub',
  });
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    if (bytes.length <= limits.keyFileBytesMax) return bytes.toString('utf8');
  } catch (error) {
    throw new CommandError(`the SSH key cannot be read: ${messageOf(error)}`, {
      hint: 'name a file that is there, such as ~/.ssh/id_ed25519.pub',
    });
  }
  throw new CommandError(`${path} is too large for a file of keys`, {
    hint: `it may have ${limits.keyFileBytesMax} bytes`,
  });
}

function readPackage(value: unknown): PackagePlace {
  if (value === undefined) return { kind: 'apt' };
  const text = String(value);
  const isPlain = /^[^\s"'\\]+\.deb$/.test(text);
  if (isPlain && text.startsWith('/')) return { kind: 'path', path: text };
  if (isPlain && /^https?:\/\/[^/]/.test(text) && URL.canParse(text)) {
    return { kind: 'url', url: text };
  }
  throw usageError(
    `--package: "${text}" is neither a URL nor an absolute path of a .deb`,
    'write https://HOST/flotilla.deb, or /opt/flotilla.deb where each machine has it',
  );
}
