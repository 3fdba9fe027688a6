import { fail, ok, type Result } from '../lib/result.ts';
import { unitFileLimits } from './limits.ts';
import { joinedText, type LinePiece, type LogicalLine, logicalLines } from './logical-line.ts';
import { printable, type SyntaxProblem } from './problem.ts';

export type { SyntaxProblem } from './problem.ts';
export { checkUnitText } from './unit-text.ts';

/**
 * A unit file with everything that stands in it. The `raw` texts of its entries, one after the
 * other, are the file byte for byte.
 */
export interface UnitFile {
  readonly entries: readonly Entry[];
}

/** A part of a unit file: one line, or an assignment with the lines that continue it. */
export type Entry =
  | { readonly kind: 'blank' | 'comment'; readonly raw: string }
  | {
      readonly kind: 'section';
      readonly raw: string;
      readonly line: number;
      readonly column: number;
      readonly name: string;
    }
  | Assignment;

/** `Name=Value` in a section. */
export interface Assignment {
  readonly kind: 'assignment';
  readonly raw: string;
  /** Where the name stands, from 1. */
  readonly line: number;
  readonly column: number;
  readonly section: string;
  readonly name: string;
  /** What systemd hands to the option's parser: continuation lines joined, ends trimmed. */
  readonly value: string;
  /** What API v1 and its hash carry: as `value`, but continued lines end in backslash, newline. */
  readonly verbatim: string;
  /** What stands after the `=`, for `positionAt`. */
  readonly pieces: readonly LinePiece[];
}

/** An option as API v1 carries it; a continued value keeps its backslashes and newlines. */
export interface UnitOption {
  readonly section: string;
  readonly name: string;
  readonly value: string;
}

/**
 * Reads a unit file by the rules of systemd's `config_parse` (see `logicalLines`), more strictly in
 * one thing: what systemd warns about and ignores (text outside of a section, a line without `=`)
 * is refused. Reports all problems at once, up to `problemCountMax` and their number.
 */
export function parseUnitFile(text: string): Result<UnitFile, readonly SyntaxProblem[]> {
  const entries: Entry[] = [];
  const problems: SyntaxProblem[] = [];
  let problemCount = 0;
  let section: string | null = null;
  for (const line of logicalLines(text)) {
    const read = readLine(line, section);
    if (!read.ok) {
      problemCount += 1;
      if (problemCount <= unitFileLimits.problemCountMax + 1) problems.push(read.error);
      // Only a bad header begins like one; what follows must not be called homeless because of it.
      if (read.error.text.startsWith('[')) section ??= '';
      continue;
    }
    entries.push(read.value);
    if (read.value.kind === 'section') section = read.value.name;
  }
  return problemCount === 0 ? ok({ entries }) : fail(firstProblems(problems, problemCount));
}

/** The text of a unit file: for a parsed one, exactly what was parsed. */
export function serializeUnitFile(file: UnitFile): string {
  return file.entries.map(({ raw }) => raw).join('');
}

/** All assignments in the order of the file. */
export function assignmentsOf(file: UnitFile): readonly Assignment[] {
  return file.entries.filter((entry) => entry.kind === 'assignment');
}

/** The options as API v1 carries them: in order, repeated and empty ones kept. */
export function unitOptions(file: UnitFile): readonly UnitOption[] {
  return assignmentsOf(file).map(({ section, name, verbatim }) => ({
    section,
    name,
    value: verbatim,
  }));
}

/** The values of an option as systemd reads a list: an empty assignment forgets all before it. */
export function optionValues(file: UnitFile, section: string, name: string): readonly string[] {
  let values: string[] = [];
  for (const assignment of assignmentsOf(file)) {
    if (assignment.section !== section || assignment.name !== name) continue;
    if (assignment.value === '') values = [];
    else values.push(assignment.value);
  }
  return values;
}

/** `Description=` of `[Unit]`, the last one; empty when there is none. */
export function description(file: UnitFile): string {
  return optionValues(file, 'Unit', 'Description').at(-1) ?? '';
}

/**
 * The normal form of fleet 1.0: sections in order of first appearance, one `Name=Value` a line, a
 * blank line between sections. Says nothing about whether the options can be read back: for options
 * from outside see `unitFileFromOptions`.
 */
export function textFromOptions(options: readonly UnitOption[]): string {
  const sections = new Map<string, string[]>();
  for (const { section, name, value } of options) {
    const lines = sections.get(section);
    if (lines === undefined) sections.set(section, [`${name}=${value}\n`]);
    else lines.push(`${name}=${value}\n`);
  }
  return [...sections].map(([section, lines]) => `[${section}]\n${lines.join('')}`).join('\n');
}

/** Where in the file the character `offset` of an assignment's value stands. */
export function positionAt(
  { value, pieces }: Assignment,
  offset: number,
): { readonly line: number; readonly column: number } {
  const whole = joinedText(pieces);
  return locate(pieces, whole.indexOf(value) + offset); // before it stand only blanks
}

/** What systemd trims; JavaScript's `trim` would take more. */
const blanks = ' \t\n\r';

function strip(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && blanks.includes(text.charAt(start))) start += 1;
  while (end > start && blanks.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function readLine(line: LogicalLine, section: string | null): Result<Entry, SyntaxProblem> {
  const { raw, isComment, pieces } = line;
  const whole = joinedText(pieces);
  const text = strip(whole);
  const start = text === '' ? 0 : whole.indexOf(text);
  const at = (offset: number, shown: string, message: string): Result<never, SyntaxProblem> =>
    fail({ ...locate(pieces, offset), text: printable(shown), message });

  const nul = whole.indexOf('\0');
  if (nul !== -1) {
    return at(nul, '\0', 'a NUL byte cannot stand in a unit file; is this a text file?');
  }
  if (whole.length > unitFileLimits.lineLengthMax) {
    return at(start, text, `the line is longer than ${unitFileLimits.lineLengthMax} characters`);
  }
  if (isComment) return ok({ kind: 'comment', raw });
  if (text === '') return ok({ kind: 'blank', raw });
  const place = locate(pieces, start);
  if (text.startsWith('[')) {
    const why = objectionToHeader(text);
    return why === null
      ? ok({ kind: 'section', raw, ...place, name: text.slice(1, -1) })
      : at(start, text, why);
  }
  const equals = text.indexOf('=');
  const name = strip(text.slice(0, Math.max(equals, 0)));
  const why = objectionToAssignment({ equals, name, section });
  if (why !== null) return at(start, text, why);
  const valuePieces = piecesFrom(pieces, start + equals + 1);
  return ok({
    kind: 'assignment',
    raw,
    ...place,
    section: section ?? '',
    name,
    value: strip(text.slice(equals + 1)),
    verbatim: verbatimValue(valuePieces),
    pieces: valuePieces,
  });
}

function objectionToHeader(text: string): string | null {
  if (!text.endsWith(']')) {
    return 'a section header must end with "]"; write it as [Name], comments on a line of their own';
  }
  const name = text.slice(1, -1);
  if (name === '') return 'a section needs a name; write it as [Name]';
  const foreign = /["'\\[\]\p{Cc}]/u.exec(name)?.[0];
  if (foreign === undefined) return null;
  return `a section name cannot contain "${printable(foreign)}"; write it as [Name]`;
}

function objectionToAssignment(line: {
  readonly equals: number;
  readonly name: string;
  readonly section: string | null;
}): string | null {
  if (line.equals === -1) {
    return 'no "=" in this line; write Name=Value, or begin it with # to make it a comment';
  }
  if (line.name === '') return 'no name before the "="; write Name=Value';
  if (/\s/.test(line.name)) return 'a name has no spaces; write Name=Value';
  if (line.section === null) {
    return 'this stands before the first section; put it below a header such as [Service]';
  }
  return null;
}

function locate(
  pieces: readonly LinePiece[],
  offset: number,
): { readonly line: number; readonly column: number } {
  let rest = offset;
  for (const [index, { line, indent, text }] of pieces.entries()) {
    if (rest < text.length || index === pieces.length - 1) {
      return { line, column: indent + Array.from(text.slice(0, rest)).length + 1 };
    }
    rest -= text.length;
  }
  return { line: 1, column: 1 };
}

/** The pieces of a line from a character on. */
function piecesFrom(pieces: readonly LinePiece[], offset: number): readonly LinePiece[] {
  let rest = offset;
  for (const [index, { line, indent, text }] of pieces.entries()) {
    // An offset at the very end of the last piece is an empty value.
    if (rest < text.length || index === pieces.length - 1) {
      const before = Array.from(text.slice(0, rest)).length;
      const first = { line, indent: indent + before, text: text.slice(rest) };
      return [first, ...pieces.slice(index + 1)];
    }
    rest -= text.length;
  }
  return [];
}

function verbatimValue(pieces: readonly LinePiece[]): string {
  const value = strip(pieces.map(({ text }) => text).join('\n'));
  const isOpen = pieces.length > 1 && strip(pieces.at(-1)?.text ?? '') === '';
  return isOpen ? `${value}\n` : value; // so that the next line is not taken for its continuation
}

function firstProblems(
  problems: readonly SyntaxProblem[],
  problemCount: number,
): readonly SyntaxProblem[] {
  const countMax = unitFileLimits.problemCountMax;
  const next = problems[countMax];
  if (next === undefined) return problems;
  const message = `and ${problemCount - countMax} more lines are wrong; is this a unit file?`;
  return [...problems.slice(0, countMax), { ...next, message }];
}
