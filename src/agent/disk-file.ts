import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';

/** Marks files that are being written; `~` cannot stand in a unit name. */
const temporaryMark = '.new~';
let temporaryCount = 0;

/** Writes a whole file or nothing, and makes its folder. Throws FleetError `disk/failed`. */
export async function writeWhole(path: string, content: string): Promise<void> {
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

/** The bytes of a file; null when there is none. Throws FleetError `disk/failed`. */
export async function readWhole(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    throw diskFailed('read', path, error);
  }
}

/** The names in a folder but for half-written files, which are removed; none when it is missing. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    const names = await readdir(folder);
    const left = names.filter((name) => basename(name).startsWith(temporaryMark));
    await Promise.all(left.map((name) => rm(join(folder, name), { force: true })));
    return names.filter((name) => !left.includes(name));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return [];
    throw diskFailed('read', folder, error);
  }
}

/** An errno of Node as an operating trouble. */
export function diskFailed(verb: string, path: string, cause: unknown): FleetError {
  return new FleetError(`could not ${verb} ${path}: ${messageOf(cause)}`, {
    code: 'disk/failed',
    retry: 'soon',
    hint: 'see whether the file system is full or read-only (df, mount)',
    cause,
  });
}

/** Whether an error of Node carries this errno name. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
