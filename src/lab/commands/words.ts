import { InvalidArgumentError } from 'commander';

/** Reads a number of lines. */
export function parseLineCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a number of lines is meant.');
}
