import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Disk } from './disk.ts';

/** Marks files that are being written; `~` cannot stand in a unit name. */
const temporaryMark = '.new~';
let temporaryCount = 0;

/** What a disk is made of: calls of node:fs, with their errors. */
export interface FileCalls {
  readFile(path: string): Promise<Buffer>;
  writeFile(path: string, content: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A file that is not there is removed. */
  rm(path: string): Promise<void>;
  readdir(folder: string): Promise<readonly string[]>;
  rmdir(folder: string): Promise<void>;
  /** With all above it; one that is there is made. */
  mkdir(folder: string): Promise<void>;
  isLink(path: string): Promise<boolean>;
  readlink(path: string): Promise<string>;
  symlink(target: string, path: string): Promise<void>;
}

/**
 * Nothing waits: these files are small and lie in memory (`/run`), where a call takes some
 * microseconds. Handing it to a thread costs twenty times that (docs/adr/0027).
 */
const atOnce: FileCalls = {
  readFile: async (path) => readFileSync(path),
  writeFile: async (path, content) => writeFileSync(path, content, { mode: 0o644 }),
  rename: async (from, to) => renameSync(from, to),
  rm: async (path) => rmSync(path, { force: true }),
  readdir: async (folder) => readdirSync(folder),
  rmdir: async (folder) => rmdirSync(folder),
  mkdir: async (folder) => void mkdirSync(folder, { recursive: true }),
  isLink: async (path) => lstatSync(path).isSymbolicLink(),
  readlink: async (path) => readlinkSync(path),
  symlink: async (target, path) => symlinkSync(target, path),
};

/** The file system of this machine. */
export const machineDisk: Disk = diskOver(atOnce);

/** A disk whose files are written whole or not at all, over those calls. */
export function diskOver(files: FileCalls): Disk {
  return {
    read: (path) => unlessMissing('read', path, null, () => files.readFile(path)),
    write: (path, content) => failing('write', path, () => write(files, path, content)),
    names: (folder) => unlessMissing('read', folder, [], () => names(files, folder)),
    remove: (path) => failing('remove', path, () => files.rm(path)),
    removeFolder: (path) => failing('remove', path, () => removeFolder(files, path)),
    target: (path) => unlessMissing('read', path, null, () => target(files, path)),
    link: (path, to) => failing('link', path, () => link(files, path, to)),
  };
}

async function write(files: FileCalls, path: string, content: string): Promise<void> {
  temporaryCount += 1;
  const temporary = join(dirname(path), `${temporaryMark}${process.pid}-${temporaryCount}`);
  try {
    await files.mkdir(dirname(path));
    await files.writeFile(temporary, content);
    await files.rename(temporary, path);
  } catch (error) {
    await files.rm(temporary).catch(() => 'the first error says more');
    throw error;
  }
}

async function names(files: FileCalls, folder: string): Promise<readonly string[]> {
  const found = await files.readdir(folder);
  const left = found.filter((name) => basename(name).startsWith(temporaryMark));
  await Promise.all(left.map((name) => files.rm(join(folder, name))));
  return found.filter((name) => !left.includes(name));
}

async function removeFolder(files: FileCalls, path: string): Promise<void> {
  try {
    await files.rmdir(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') && !hasCode(error, 'ENOTEMPTY')) throw error;
  }
}

async function target(files: FileCalls, path: string): Promise<string> {
  return (await files.isLink(path)) ? await files.readlink(path) : '';
}

async function link(files: FileCalls, path: string, to: string): Promise<void> {
  await files.mkdir(dirname(path));
  await files.rm(path);
  await files.symlink(to, path);
}

async function failing<T>(verb: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw diskFailed(verb, path, error);
  }
}

/** The same, and `missing` where nothing is. */
async function unlessMissing<T>(
  verb: string,
  path: string,
  missing: T,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return missing;
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
