import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf } from '../lib/error.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from '../unitfile/limits.ts';
import { formatProblem, printable } from '../unitfile/problem.ts';
import { readRequirements } from '../unitfile/requirements.ts';
import { parseUnitFile, unitOptions } from '../unitfile/unit-file.ts';
import { type UnitHash, unitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
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

/** The first of these files that is there; null when none is. */
export async function readFirstSource(
  paths: readonly string[],
): Promise<Result<UnitSource | null, readonly string[]>> {
  for (const path of paths) {
    const source = await readUnitSource(path);
    if (!source.ok || source.value !== null) return source;
  }
  return ok(null);
}

/** Where the file of an argument may lie: as it was typed, or with the type added. */
export function filePathsOf(argument: string, name: UnitName): readonly string[] {
  return [...new Set([argument, pathBeside(argument, name)])];
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
    await using file = await open(path, 'r');
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
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return ok(null);
    return fail([`${printable(path, 255)}: ${messageOf(error)}`]);
  }
}
