import { unitFileLimits } from './limits.ts';

/** Something wrong in a unit file, and where. `line` and `column` count from 1, in characters. */
export interface SyntaxProblem {
  readonly line: number;
  readonly column: number;
  /** The offending text: short, and printable on any terminal. */
  readonly text: string;
  /** What is wrong with it and what to do. */
  readonly message: string;
}

/** A problem of what `[X-Fleet]` asks for. */
export type RequirementProblem = SyntaxProblem;

/** One line an editor can jump to: `web.service:3:1: "ExecStart": …`. */
export function formatProblem(fileName: string, problem: SyntaxProblem): string {
  const place = `${printable(fileName, 255)}:${problem.line}:${problem.column}`;
  return `${place}: "${problem.text}": ${problem.message}`;
}

/**
 * Foreign text made fit for a message: control and invisible characters escaped, and cut to
 * `lengthMax` characters with an ellipsis.
 */
export function printable(
  text: string,
  lengthMax: number = unitFileLimits.problemTextLengthMax,
): string {
  if (text.length <= lengthMax && plain.test(text)) return text;
  const characters = Array.from(text.slice(0, 2 * lengthMax + 2));
  const shown = characters.slice(0, lengthMax).map(escapeUnprintable).join('');
  return characters.length > lengthMax ? `${shown}…` : shown;
}

/** Most texts are nothing else, and need no look at each character. */
const plain = /^[ -~]*$/;

/** Control, format (bidirectional marks, BOM), private, unassigned, lone surrogates, separators. */
const unprintable = /[\p{C}\p{Zl}\p{Zp}]/u;

const shortEscapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeUnprintable(character: string): string {
  if (!unprintable.test(character)) return character;
  const short = shortEscapes[character];
  if (short !== undefined) return short;
  const code = (character.codePointAt(0) ?? 0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, '0')}` : `\\u{${code}}`;
}
