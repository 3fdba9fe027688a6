import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { messageOf } from '../lib/error.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from '../unitfile/limits.ts';
import { formatProblem, printable } from '../unitfile/problem.ts';
import { readRequirements } from '../unitfile/requirements.ts';
import { parseUnitFile, unitOptions } from '../unitfile/unit-file.ts';
import { type UnitHash, unitHash } from '../unitfile/unit-hash.ts';
import { type UnitName, unitTypes } from '../unitfile/unit-name.ts';
import { checkUnitText } from '../unitfile/unit-text.ts';

/** The text of a unit and where it comes from. */
export interface UnitSource {
  /** A path, or the name of a stored template. */
  readonly origin: string;
  readonly text: string;
}

/** A unit file that may be stored under a name. */
export interface CheckedUnit {
  readonly text: string;
  readonly hash: UnitHash;
  readonly isGlobal: boolean;
  /** One line each. */
  readonly warnings: readonly string[];
}

/**
 * Reads the file that a command argument means, or a file beside it; null when there is none. The
 * refusal is one line for each problem.
 */
export async function readUnitSource(
  path: string,
): Promise<Result<UnitSource | null, readonly string[]>> {
  const read = await readStart(path);
  if (!read.ok) return read;
  if (read.value === null) return ok(null);
  const bytesMax = unitFileLimits.unitFileBytesMax;
  if (read.value.length > bytesMax) {
    const why = `over ${bytesMax} bytes, more than a unit file may have; is it one?`;
    return fail([`${printable(path, 255)}: ${why}`]);
  }
  const text = checkUnitText(read.value);
  return text.ok ? ok({ origin: path, text: text.value }) : fail([formatProblem(path, text.error)]);
}

/** Where the file of an argument may lie: as it was typed, or with the type added. */
export function filePathsOf(argument: string, name: UnitName): readonly string[] {
  return [...new Set([argument, pathBeside(argument, name)])];
}

/**
 * Why the file of this name is no unit file though one could be made of it: `web.servcie` would
 * become `web.servcie.service`. null when nothing is wrong, also for `web` and `web.1`.
 */
export function objectionToEnding(path: string): string | null {
  const ending = /.\.([A-Za-z]+)$/.exec(basename(path))?.[1];
  if (ending === undefined || unitTypes.some((type) => type === ending)) return null;
  return (
    `${printable(path, 255)}: "${printable(ending, 40)}" is no type of unit; ` +
    'end its name in .service, .socket, .timer or another type that systemd has'
  );
}

/** Is it a folder? */
export async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

/** The path of another unit's file in the folder of an argument. */
export function pathBeside(argument: string, name: UnitName): string {
  return join(dirname(argument), name);
}

/** Checks a text as fleetd will; the refusal is one line for each problem. */
export function checkSource(
  { origin, text }: UnitSource,
  name: UnitName,
): Result<CheckedUnit, readonly string[]> {
  const file = parseUnitFile(text);
  if (!file.ok) return fail(file.error.map((problem) => formatProblem(origin, problem)));
  const options = unitOptions(file.value);
  if (options.length === 0) return fail([`${printable(origin, 255)}: it has no options`]);
  const read = readRequirements(file.value, name);
  if (!read.ok) return fail(read.error.map((problem) => formatProblem(origin, problem)));
  return ok({
    text,
    hash: unitHash(options),
    isGlobal: read.value.requirements.global,
    warnings: read.value.warnings.map((warning) => `${origin}: ${warning}`),
  });
}

/** Enough of a file to see whether it is too large. A folder of that name is no file. */
async function readStart(path: string): Promise<Result<Buffer | null, readonly string[]>> {
  try {
    // Not to wait for the writer of a FIFO.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const kind = await file.stat();
    if (kind.isDirectory()) return ok(null);
    if (!kind.isFile())
      return fail([`${printable(path, 255)}: it is no file, but a device or pipe`]);
    const buffer = Buffer.alloc(unitFileLimits.unitFileBytesMax + 1);
    let lengthBytes = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, lengthBytes, buffer.length - lengthBytes);
      lengthBytes += bytesRead;
      if (bytesRead === 0 || lengthBytes === buffer.length) break;
    }
    return ok(buffer.subarray(0, lengthBytes));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null;
    if (code === 'ENOENT' || code === 'ENOTDIR') return ok(null);
    const why = code === 'EACCES' ? 'no permission to read it' : messageOf(error);
    return fail([`${printable(path, 255)}: ${why}`]);
  }
}
