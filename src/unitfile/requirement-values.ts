import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from './limits.ts';
import { printable, type RequirementProblem } from './problem.ts';
import { splitWords, type Word, type WordProblem } from './quoting.ts';
import { fleetAssignments, type RequirementKind, requirementKind } from './requirement-options.ts';
import {
  dependsOnInstance,
  resolveSpecifiers,
  type SpecifierValues,
  specifierValues,
} from './specifiers.ts';
import { type Assignment, positionAt, type UnitFile } from './unit-file.ts';
import type { UnitName } from './unit-name.ts';

/** One value of an option of `[X-Fleet]`, and where it was given. */
export interface Given {
  /** The option as it is spelled in the file. */
  readonly option: string;
  /** The value with its specifiers replaced. */
  readonly text: string;
  /** The value as it is written. */
  readonly written: string;
  readonly line: number;
  readonly column: number;
  /** It holds `%i`, `%n` or `%N`: in a template its meaning is open. */
  readonly isPerInstance: boolean;
}

/** Everything `[X-Fleet]` gives, by kind, in the order of the file. */
export type GivenRequirements = Readonly<Record<RequirementKind, readonly Given[]>>;

/**
 * Reads the values of `[X-Fleet]`: splits lists in words, replaces specifiers by those of `name`,
 * and forgets what stands before an empty assignment of the same kind.
 */
export function readGiven(
  file: UnitFile,
  name: UnitName,
): { readonly given: GivenRequirements; readonly problems: readonly RequirementProblem[] } {
  const given: Record<RequirementKind, Given[]> = {
    machineId: [],
    machineOf: [],
    metadata: [],
    conflicts: [],
    replaces: [],
    global: [],
    onPartition: [],
  };
  const problems: RequirementProblem[] = [];
  const values = specifierValues(name);
  for (const assignment of fleetAssignments(file)) {
    const kind = requirementKind(assignment.name);
    if (kind === null) continue;
    if (assignment.value === '') {
      given[kind] = [];
      continue;
    }
    const words = wordsOf(assignment, kind);
    if (!words.ok) {
      problems.push(problemAt(assignment, words.error));
      continue;
    }
    for (const word of words.value) {
      if (given[kind].length > unitFileLimits.requirementListCountMax) break; // told by tooMany
      if (problems.length > unitFileLimits.problemCountMax) break;
      const read = readValue(assignment, word, values, kind);
      if (read.ok) given[kind].push(read.value);
      else problems.push(read.error);
    }
  }
  return { given, problems: [...problems, ...tooMany(given)] };
}

/** A problem with one given value. */
export function problemWith(given: Given, message: string): RequirementProblem {
  const { line, column, option, written } = given;
  return { line, column, text: printable(`${option}=${written}`), message };
}

function wordsOf(
  { value }: Assignment,
  kind: RequirementKind,
): Result<readonly Word[], WordProblem> {
  if (kind !== 'metadata') return splitWords(value, 'keep');
  // As in fleet 1.0: without quotes, one pair is the whole line, blanks in its value included.
  const isOnePair = /^[^\s"'=]+=[^"'=]*$/.test(value);
  return isOnePair ? ok([{ text: value, offset: 0 }]) : splitWords(value, 'decode');
}

function readValue(
  assignment: Assignment,
  word: Word,
  values: SpecifierValues,
  kind: RequirementKind,
): Result<Given, RequirementProblem> {
  const isGlob = kind === 'conflicts' || kind === 'replaces';
  const resolved = resolveSpecifiers(word.text, values, isGlob ? protectGlob : undefined);
  if (!resolved.ok) {
    const { offset, text } = word;
    return fail(problemAt(assignment, { offset, text, message: resolved.error }));
  }
  return ok({
    option: assignment.name,
    text: resolved.value,
    written: word.text,
    ...positionAt(assignment, word.offset),
    isPerInstance: dependsOnInstance(word.text),
  });
}

/** A unit name inside a glob: of its characters only the backslash has a meaning there. */
const protectGlob = (name: string): string => name.replaceAll('\\', '\\\\');

function problemAt(assignment: Assignment, problem: WordProblem): RequirementProblem {
  const { offset, text, message } = problem;
  const shown = printable(`${assignment.name}=${text}`);
  return { ...positionAt(assignment, offset), text: shown, message };
}

function tooMany(given: GivenRequirements): readonly RequirementProblem[] {
  const countMax = unitFileLimits.requirementListCountMax;
  return Object.values(given).flatMap((list) => {
    const first = list[countMax];
    if (first === undefined) return [];
    return [problemWith(first, `more than ${countMax} values; use a glob or fewer of them`)];
  });
}
