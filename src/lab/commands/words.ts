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

/** How large a disk is, as mount(8) reads it: a machine needs about 300M before anything runs. */
export function parseDiskSize(text: string): string {
  const [, count, unit] = /^(\d{1,5})([MG])$/.exec(text) ?? [];
  if (Number(count) * (unit === 'G' ? 1024 : 1) >= 512) return text;
  throw new InvalidArgumentError("512M or more is meant, such as '768M' or '2G'.");
}

/** Reads how long something goes on, in milliseconds: 1 s to 10 min. */
export function parseSpan(text: string): number {
  const [, count, unit] = /^(\d{1,3})([sm])$/.exec(text) ?? [];
  const seconds = Number(count) * (unit === 'm' ? 60 : 1);
  if (seconds >= 1 && seconds <= 600) return seconds * 1000;
  throw new InvalidArgumentError("a time from 1s to 10m is meant, such as '20s'.");
}
