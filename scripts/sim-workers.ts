import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

/** What some seeds came to. */
export interface Sum {
  readonly seedCount: number;
  readonly virtualHours: number;
  readonly failedCount: number;
  /** The longest time that a cluster took to settle after its faults. */
  readonly slowestSeconds: number;
}

/** How seeds are shared out. */
export interface Sharing {
  readonly from: number;
  readonly count: number;
  readonly workerCount: number;
  /** Passed on to each worker. */
  readonly flags: readonly string[];
  /** No more seeds once one has failed. */
  readonly isFirstEnough: boolean;
}

/** So many seeds have a process to themselves: its memory grows with each. */
export const seedsPerTurn = 5;

/**
 * Runs seeds in processes of their own, a few at a time, and passes on what they say of failures.
 * `tell` hears what all seeds so far came to.
 */
export async function shareSeeds(
  what: Sharing,
  say: (line: string) => void,
  tell: (sum: Sum) => void,
): Promise<Sum> {
  const { from, count, workerCount, flags, isFirstEnough } = what;
  const sums: Sum[] = [];
  const running = new Set<ChildProcess>();
  let next = from;
  const isOver = (): boolean => isFirstEnough && sums.some(({ failedCount }) => failedCount > 0);
  const work = async (): Promise<void> => {
    while (next < from + count && !isOver()) {
      const first = next;
      next += seedsPerTurn;
      const seedCount = Math.min(seedsPerTurn, from + count - first);
      sums.push(await runSome({ first, seedCount, flags, running }, say));
      tell(total(sums));
    }
    if (isOver()) for (const child of running) child.kill();
  };
  await Promise.all(Array.from({ length: workerCount }, work));
  return total(sums);
}

function total(sums: readonly Sum[]): Sum {
  return {
    seedCount: sums.reduce((sum, one) => sum + one.seedCount, 0),
    virtualHours: sums.reduce((sum, one) => sum + one.virtualHours, 0),
    failedCount: sums.reduce((sum, one) => sum + one.failedCount, 0),
    slowestSeconds: Math.max(0, ...sums.map(({ slowestSeconds }) => slowestSeconds)),
  };
}

/** The last line of a run, which `readSum` reads. */
export function sumLine({ seedCount, virtualHours, failedCount, slowestSeconds }: Sum): string {
  const [hours, slowest] = [virtualHours.toFixed(1), slowestSeconds.toFixed(0)];
  const seeds = `${seedCount} seeds, ${hours} virtual hours`;
  return `${seeds}, ${failedCount} failed, settled within ${slowest} s`;
}

const sumShape = /^(\d+) seeds, ([\d.]+) virtual hours, (\d+) failed, settled within (\d+) s$/;

async function runSome(
  part: {
    readonly first: number;
    readonly seedCount: number;
    readonly flags: readonly string[];
    readonly running: Set<ChildProcess>;
  },
  say: (line: string) => void,
): Promise<Sum> {
  const { first, seedCount, flags, running } = part;
  const range = ['--from', String(first), '--seeds', String(seedCount), '--workers', '1'];
  const script = join(import.meta.dirname, 'sim.ts');
  const child = spawn(process.execPath, [script, ...range, ...flags], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.add(child);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  await new Promise((resolve) => child.once('close', resolve));
  running.delete(child);
  const lines = text.trimEnd().split('\n');
  const found = sumShape.exec(lines.at(-1) ?? '');
  for (const line of lines.slice(1, found === null ? undefined : -1)) say(line);
  if (found === null) {
    const isKilled = child.signalCode === 'SIGTERM';
    if (!isKilled) say(`seeds ${first} to ${first + seedCount - 1}: their process ended`);
    const failedCount = isKilled ? 0 : seedCount;
    return { seedCount: isKilled ? 0 : seedCount, virtualHours: 0, failedCount, slowestSeconds: 0 };
  }
  const [, seeds, hours, failed, seconds] = found.map(Number);
  return {
    seedCount: seeds ?? 0,
    virtualHours: hours ?? 0,
    failedCount: failed ?? 0,
    slowestSeconds: seconds ?? 0,
  };
}
