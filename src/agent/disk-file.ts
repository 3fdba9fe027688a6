import {
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  rmdir,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Disk } from './disk.ts';

/** Marks files that are being written; `~` cannot stand in a unit name. */
const temporaryMark = '.new~';
let temporaryCount = 0;

/** The file system of this machine. */
export const machineDisk: Disk = {
  read,
  write,
  names,
  remove: (path) => failing('remove', path, rm(path, { force: true })),
  removeFolder,
  target,
  link: (path, to) => failing('link', path, link(path, to)),
};

async function read(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw diskFailed('read', path, error);
  }
}

async function write(path: string, content: string): Promise<void> {
  temporaryCount += 1;
  const temporary = join(dirname(path), `${temporaryMark}${process.pid}-${temporaryCount}`);
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, content, { mode: 0o644 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => 'the first error says more');
    throw diskFailed('write', path, error);
  }
}

async function names(folder: string): Promise<readonly string[]> {
  try {
    const found = await readdir(folder);
    const left = found.filter((name) => basename(name).startsWith(temporaryMark));
    await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
    return found.filter((name) => !left.includes(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw diskFailed('read', folder, error);
  }
}

async function removeFolder(path: string): Promise<void> {
  try {
    await rmdir(path);
  } catch (error) {
    const isKept = hasCode(error, 'ENOENT') || hasCode(error, 'ENOTEMPTY');
    if (!isKept) throw diskFailed('remove', path, error);
  }
}

async function target(path: string): Promise<string | null> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : '';
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw diskFailed('read', path, error);
  }
}

async function link(path: string, to: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(path, { force: true });
  await symlink(to, path);
}

async function failing(verb: string, path: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw diskFailed(verb, path, error);
  }
}

/** An errno of Node as an operating trouble. */
function diskFailed(verb: string, path: string, cause: unknown): FleetError {
  return new FleetError(`could not ${verb} ${path}: ${messageOf(cause)}`, {
    code: 'disk/failed',
    retry: 'soon',
    hint: 'see whether the file system is full or read-only (df, mount)',
    cause,
  });
}

/** Whether an error of Node carries this errno name. */
function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
