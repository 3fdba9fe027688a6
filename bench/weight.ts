import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** What a process holds, in MB. */
export interface Weight {
  /** Pages in memory, those of the program and of libraries included. */
  readonly resident: number;
  /** Pages of its own that come from no file: what no other process can share. */
  readonly private: number;
}

/** What a process holds now. */
export function weightOf({ pid }: ChildProcess): Weight {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const of = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(rollup)?.[1] ?? Number.NaN) / 1024;
  return { resident: of('Rss'), private: of('Anonymous') };
}
