import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';
import type { InterfaceAddress } from './addresses.ts';
import type { CloudConfig } from './cloud-config.ts';
import { etcdUnit } from './etcd-unit.ts';
import {
  authorizedKeysPath,
  groupsOf,
  type Machine,
  mergedPaths,
  passwordHashesOf,
  usersOf,
} from './machine.ts';

/** Where systemd looks for units, those of generators included. */
const unitFolders = [
  ...['/etc/systemd/system.control', '/run/systemd/system.control', '/run/systemd/transient'],
  ...['/run/systemd/generator.early', '/etc/systemd/system', '/etc/systemd/system.attached'],
  ...['/run/systemd/system', '/run/systemd/system.attached', '/run/systemd/generator'],
  ...['/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system'],
  ...['/run/systemd/generator.late'],
];

/** Reads what a plan depends on, below a folder. Throws FleetError `disk/failed`. */
export async function readMachine(root: string, config: CloudConfig): Promise<Machine> {
  const users = usersOf(await textAt(root, '/etc/passwd'));
  const names = [...config.users.map(({ name }) => name), 'core'];
  const homes = names.map((name) => {
    const asked = config.users.find((user) => user.name === name)?.home?.text;
    return users.get(name)?.home ?? asked ?? `/home/${name}`;
  });
  const texts = new Map<string, string>();
  for (const path of Object.values(mergedPaths)) texts.set(path, await textAt(root, path));
  for (const path of homes.map(authorizedKeysPath)) {
    await refuseLinks(root, path);
    texts.set(path, await textAt(root, path));
  }
  const folders = unitFolders.map((folder) => namesIn(join(root, folder)));
  return {
    unitFiles: new Set((await Promise.all(folders)).flat()),
    users,
    groups: groupsOf(await textAt(root, '/etc/group')),
    passwordHashes: passwordHashesOf(await textAt(root, '/etc/shadow')),
    hostname: (await textAt(root, '/etc/hostname')).trim() || 'localhost',
    texts,
  };
}

/** The text of a file; '' when there is none. Throws FleetError `disk/failed`. */
export async function textAt(root: string, path: string): Promise<string> {
  try {
    return await readFile(join(root, path), 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw new FleetError(`could not read ${path}: ${messageOf(error)}`, {
      code: 'disk/failed',
      retry: 'never',
      hint: 'run this as root; nothing was changed',
      cause: error,
    });
  }
}

/** The addresses of the network interfaces, in the kernel's order. */
export function interfaceAddresses(): readonly InterfaceAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .map(({ address, internal }) => ({ address, isInternal: internal }));
}

/**
 * Whoever owns a home can put a link in it, and root would read and show what it points to. Throws
 * FleetError `disk/failed`.
 */
export async function refuseLinks(root: string, path: string): Promise<void> {
  for (const part of [dirname(path), path]) {
    const found = await lstat(join(root, part)).catch((error: unknown) => {
      if (isMissing(error)) return null;
      throw error;
    });
    if (found?.isSymbolicLink() !== true) continue;
    throw new FleetError(`${part} is a link, and root does not follow it into another place`, {
      code: 'disk/failed',
      retry: 'never',
      hint: 'put a folder and a file there',
    });
  }
}

/** The units of a folder, without masks and without other names of etcd's unit. */
async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    const names = entries.map(async (entry) => {
      const target = entry.isSymbolicLink() ? await readlink(join(folder, entry.name)) : null;
      if (target === null) return [entry.name];
      const isAlias = basename(target) === etcdUnit && entry.name !== etcdUnit;
      return isAlias || target === '/dev/null' ? [] : [entry.name];
    });
    return (await Promise.all(names)).flat();
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  const isErrno = error instanceof Error && 'code' in error;
  return isErrno && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
