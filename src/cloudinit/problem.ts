import { printable } from '../unitfile/problem.ts';
import { cloudinitLimits } from './limits.ts';

/** Where something stands in the user-data; both count from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * `error`: nothing is applied. `warning`: it is not understood and has no effect; applied without
 * it, but not valid. `note`: it is done in another way than it says.
 */
export type Severity = 'error' | 'warning' | 'note';

/** Something to be told of a place: what, and what to do. */
export interface Problem extends Place {
  readonly severity: Severity;
  readonly message: string;
}

/** The top of a file, for what has no place of its own. */
export const topOfFile: Place = { line: 1, column: 1 };

export function errorAt({ line, column }: Place, message: string): Problem {
  return { severity: 'error', line, column, message };
}

export function warningAt({ line, column }: Place, message: string): Problem {
  return { severity: 'warning', line, column, message };
}

export function noteAt({ line, column }: Place, message: string): Problem {
  return { severity: 'note', line, column, message };
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some(({ severity }) => severity === 'error');
}

/** One line each that an editor can jump to, in the order of the file, up to `problemCountMax`. */
export function problemLines(fileName: string, problems: readonly Problem[]): readonly string[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const lines = sorted.map(({ severity, line, column, message }) => {
    const kind = severity === 'error' ? '' : `${severity}: `;
    return `${printable(fileName, 255)}:${line}:${column}: ${kind}${message}`;
  });
  const { problemCountMax } = cloudinitLimits;
  if (lines.length <= problemCountMax) return lines;
  return [...lines.slice(0, problemCountMax), `and ${lines.length - problemCountMax} more`];
}
