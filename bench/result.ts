import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { join } from 'node:path';
import type { Row, Size } from './part.ts';

/** The computer on which a run took place. */
export interface Computer {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMb: number;
  readonly kernel: string;
  readonly node: string;
}

/** What a part had to tell. */
export interface PartResult {
  readonly part: string;
  /** Of the computer, over the minute before the part began: figures of a busy one mean little. */
  readonly loadBefore: number;
  readonly tookSeconds: number;
  readonly rows: readonly Row[];
  /** Why it has no rows; null: it went well. */
  readonly failure: string | null;
}

/** A run of some parts. */
export interface RunResult {
  readonly at: string;
  /** The commit that was measured, with a `+` when files differed from it. */
  readonly commit: string;
  readonly size: Size;
  readonly computer: Computer;
  readonly parts: readonly PartResult[];
}

/** The load of the computer over the last minute. */
export function loadNow(): number {
  return Math.round((loadavg()[0] ?? 0) * 100) / 100;
}

/** What ran, without its parts. */
export function describeRun(checkout: string, size: Size): Omit<RunResult, 'parts'> {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', checkout, ...args], { encoding: 'utf8' }).trim();
  const isChanged = git('status', '--porcelain', '--', 'src', 'bench', 'scripts') !== '';
  return {
    at: new Date().toISOString(),
    commit: `${git('rev-parse', 'HEAD')}${isChanged ? '+' : ''}`,
    size,
    computer: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      memoryMb: Math.round(totalmem() / 2 ** 20),
      kernel: release(),
      node: process.versions.node,
    },
  };
}

/** Keeps a run as a file of its own, named by date and machine; returns its path. */
export function keepResult(folder: string, result: RunResult): string {
  const { computer, at } = result;
  const date = at.slice(0, 19).replaceAll(':', '');
  const machine = `${computer.cpu} ${computer.cores}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const path = join(folder, `${date}-${machine}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  return path;
}

/** The lines of a table, one a row. */
export function tableOf(parts: readonly PartResult[]): readonly string[] {
  const cells = parts.flatMap(({ part, rows, failure }) => {
    if (failure !== null) return [[part, `failed: ${failure}`, '', '', '', '']];
    return rows.map((row) => [
      part,
      row.what,
      withUnit(row),
      row.beside === null ? '-' : `${withUnit(row.beside)} (${row.beside.what})`,
      row.goal ?? '-',
      row.isMet === null ? '-' : row.isMet ? 'yes' : 'NO',
    ]);
  });
  const lines = [['PART', 'WHAT', 'MEASURED', 'BESIDE', 'GOAL', 'MET'], ...cells];
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Three digits that count are more than a repetition would confirm. */
function withUnit({ value, unit }: { readonly value: number; readonly unit: string }): string {
  const digits = Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
  return `${digits} ${unit}`;
}
