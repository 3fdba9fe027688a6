import { InvalidArgumentError } from 'commander';

/** Reads a number of lines. */
export function parseLineCount(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a number of lines is meant.');
}

/** How long a silent machine counts as alive, as fleet.conf has it: fleetd takes 2 s to 1 h. */
export function parseTtl(text: string): string {
  const [, count, unit] = /^(\d{1,4})([sm])$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === 'm' ? 60 : 1);
  if (seconds >= 2 && seconds <= 3600) return text;
  throw new InvalidArgumentError("a time from 2s to 60m is meant, such as '3s'.");
}
