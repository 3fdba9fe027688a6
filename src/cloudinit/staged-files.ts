import { chmod, lstat, mkdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { FleetError, messageOf } from '../lib/error.ts';
import type { FileStep } from './step.ts';

/** Marks files that are being written; systemd reads none that begins with a dot. */
const temporaryMark = '.fleet-cloudinit~';

/** A file that lies beside its place, to be moved there; or is as wanted already. */
export interface StagedFile {
  readonly target: string;
  /** null: the file is as wanted. */
  readonly temporary: string | null;
  /** The topmost folder that had to be made for it. */
  readonly madeFolder: string | null;
}

/**
 * Writes a file beside its place. What can go wrong with a disk goes wrong here, when nothing has
 * been changed yet. Throws FleetError `disk/failed`.
 */
export async function stageFile(root: string, step: FileStep): Promise<StagedFile> {
  const target = join(root, step.path);
  try {
    if (await isAsWanted(target, step)) return { target, temporary: null, madeFolder: null };
    const folder = dirname(target);
    const folderMode = step.isInHome ? 0o700 : 0o755;
    const madeFolder = (await mkdir(folder, { recursive: true, mode: folderMode })) ?? null;
    const temporary = join(
      folder,
      `${temporaryMark}${process.pid}-${basename(target)}`.slice(0, 250),
    );
    const staged = { target, temporary, madeFolder };
    try {
      await rm(temporary, { force: true }); // of a run that a power cut has ended
      await writeFile(temporary, step.content, { mode: 0o600, flag: 'wx', flush: true });
      await chmod(temporary, step.mode);
    } catch (error) {
      await unstage(staged);
      throw error;
    }
    return staged;
  } catch (error) {
    throw diskFailed(`could not write ${step.path}`, error);
  }
}

/** Removes what `stageFile` has made. */
export async function unstage({ target, temporary, madeFolder }: StagedFile): Promise<void> {
  if (temporary === null) return;
  await rm(temporary, { force: true }).catch(() => 'what went wrong before says more');
  if (madeFolder === null) return;
  for (let folder = dirname(target); folder.length >= madeFolder.length; folder = dirname(folder)) {
    const isRemoved = await rmdir(folder).then(
      () => true,
      () => false, // somebody else uses it by now
    );
    if (!isRemoved) return;
  }
}

/** Puts a staged file in its place. Throws FleetError `disk/failed`. */
export async function placeFile({ target, temporary }: StagedFile): Promise<void> {
  if (temporary === null) return;
  await rename(temporary, target).catch((error: unknown) => {
    throw diskFailed(`could not put ${target} in its place`, error);
  });
}

export function diskFailed(what: string, cause: unknown): FleetError {
  return new FleetError(`${what}: ${messageOf(cause)}`, {
    code: 'disk/failed',
    retry: 'soon',
    hint: 'see whether the file system is full or read-only (df, mount), then run this again',
    cause,
  });
}

async function isAsWanted(target: string, { content, mode }: FileStep): Promise<boolean> {
  const found = await lstat(target).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  });
  if (found === null) return false;
  if (found.isDirectory()) throw new Error('there is a folder of that name');
  if (!found.isFile() || (found.mode & 0o7777) !== mode) return false;
  return found.size === content.length && content.equals(await readFile(target));
}
