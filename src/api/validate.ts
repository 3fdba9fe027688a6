import { fail, ok, type Result } from '../lib/result.ts';
import type { Submission } from '../model/catalog.ts';
import type { DesiredState } from '../model/unit.ts';
import { unitFileFromOptions } from '../unitfile/file-from-options.ts';
import { unitFileLimits } from '../unitfile/limits.ts';
import { formatProblem, type SyntaxProblem } from '../unitfile/problem.ts';
import { isOneshot, readRequirements } from '../unitfile/requirements.ts';
import {
  parseUnitFile,
  textFromOptions,
  type UnitFile,
  type UnitOption,
  unitOptions,
} from '../unitfile/unit-file.ts';
import { contentHash, unitHash } from '../unitfile/unit-hash.ts';
import { refusedName, type UnitName, unitNameParts } from '../unitfile/unit-name.ts';
import { checkUnitText } from '../unitfile/unit-text.ts';
import type { Refusal } from './answer.ts';

/** A unit's content as a request brings it: the text, its options, or both. */
export interface UnitContent {
  readonly text: string | null;
  readonly options: readonly UnitOption[] | null;
}

/**
 * Checks everything about a unit that can be said without looking at the cluster, and returns what
 * is to be stored. The text wins over the options, which must say the same.
 */
export function validateUnit(
  name: UnitName,
  content: UnitContent,
  desired: DesiredState,
): Result<Submission, Refusal> {
  const why = refusedName(name);
  if (why !== null) return fail({ status: 400, message: why, hint: 'rename the unit' });
  const objection = objectionToState(name, desired);
  if (objection !== null) return fail(objection);
  const text = content.text ?? textFromOptions(content.options ?? []);
  const checked = checkUnitText(text);
  if (!checked.ok) return fail(badText(name, text, checked.error));
  return readContent(name, text, content, desired);
}

/** Why a unit cannot be brought to a state; null when it can. Only templates cannot. */
export function objectionToState(name: UnitName, desired: DesiredState): Refusal | null {
  const { isTemplate, prefix, type } = unitNameParts(name);
  if (!isTemplate || desired === 'inactive') return null;
  return {
    status: 400,
    message: `${name} is a template: it cannot be ${desired}`,
    hint: `name an instance, such as ${prefix}@1.${type}`,
  };
}

function readContent(
  name: UnitName,
  text: string,
  given: UnitContent,
  desired: DesiredState,
): Result<Submission, Refusal> {
  const file =
    given.text === null && given.options !== null
      ? fromOptions(name, given.options)
      : fromText(name, text);
  if (!file.ok) return file;
  const options = unitOptions(file.value);
  if (given.text !== null && given.options !== null && !isSame(options, given.options)) {
    return fail(disagreement(options, given.options));
  }
  if (options.length === 0) {
    const message = `${name} has no options`;
    return fail({ status: 400, message, hint: 'write at least one section with one option' });
  }
  const requirements = readRequirements(file.value, name);
  if (!requirements.ok) return fail(badFile(name, requirements.error));
  return ok({
    name,
    text,
    unitHash: unitHash(options),
    contentHash: contentHash(text),
    requirements: requirements.value.requirements,
    oneshot: isOneshot(file.value),
    desired,
  });
}

function fromText(name: UnitName, text: string): Result<UnitFile, Refusal> {
  const file = parseUnitFile(text);
  return file.ok ? file : fail(badFile(name, file.error));
}

function fromOptions(name: UnitName, options: readonly UnitOption[]): Result<UnitFile, Refusal> {
  const file = unitFileFromOptions(options);
  if (file.ok) return file;
  const hint = 'correct the option; nothing was stored';
  return fail({ status: 400, message: `${name}: ${file.error}`, hint });
}

function badFile(name: UnitName, problems: readonly SyntaxProblem[]): Refusal {
  return {
    status: 400,
    message: problems.map((problem) => formatProblem(name, problem)).join('\n'),
    hint: 'correct the unit file and submit it again; nothing was stored',
  };
}

function badText(name: UnitName, text: string, problem: SyntaxProblem): Refusal {
  const isTooLarge = Buffer.byteLength(text) > unitFileLimits.unitFileBytesMax;
  return { ...badFile(name, [problem]), status: isTooLarge ? 413 : 400 };
}

function isSame(one: readonly UnitOption[], other: readonly UnitOption[]): boolean {
  return one.length === other.length && firstDifference(one, other) === -1;
}

function firstDifference(one: readonly UnitOption[], other: readonly UnitOption[]): number {
  return one.findIndex((option, index) => {
    const twin = other[index];
    if (twin === undefined || option.section !== twin.section) return true;
    return option.name !== twin.name || option.value !== twin.value;
  });
}

function disagreement(read: readonly UnitOption[], given: readonly UnitOption[]): Refusal {
  const found = firstDifference(given, read);
  const index = found === -1 ? given.length : found;
  return {
    status: 400,
    message: `options[${index}] does not come back from the unit file as it was given`,
    hint: 'send text alone, or options that are exactly what the text says',
  };
}
