import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aFilledCluster, bareReading, type FilledCluster } from '../builders/filled-cluster.ts';

const unitCount = 5000;
const program = fileURLToPath(new URL('../../dist/bin/fleetctl.cjs', import.meta.url));

/** From the start of the program to its end, where Node itself starts in a tenth of that. */
const limitMs = 500;
const startsMax = 10;

/** How many times as long as the same bytes take that are read and parsed, and not looked at. */
const ratioMax = 3;

/** The computer has other things to do: the best of several runs is what it costs. */
const runCountMax = 25;

let cluster: FilledCluster | null = null;
beforeAll(async () => {
  cluster = await aFilledCluster({ unitCount, machineCount: 10 });
}, 180_000);
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

function socketPath(): string {
  return cluster?.socketPath ?? '';
}

function environment(): NodeJS.ProcessEnv {
  return { ...process.env, FLEETCTL_ENDPOINT: `unix://${socketPath()}` };
}

interface Ran {
  readonly out: string;
  readonly tookMs: number;
}

function node(...args: readonly string[]): Promise<Ran> {
  const startMs = performance.now();
  return new Promise((resolve, reject) => {
    const options = { env: environment(), maxBuffer: 2 ** 26 };
    execFile(process.execPath, args, options, (error, out) => {
      if (error === null) resolve({ out, tookMs: performance.now() - startMs });
      else reject(error);
    });
  });
}

describe(`with ${unitCount} units`, () => {
  it.each([
    ['list-units', ['state', 'machines']],
    ['list-unit-files', ['units?brief=true', 'machines']],
  ])(
    '%s takes less than half a second, and not much more than its bytes',
    async (command, paths) => {
      let best = Number.POSITIVE_INFINITY;
      let bestBare = Number.POSITIVE_INFINITY;
      let bestStart = Number.POSITIVE_INFINITY;
      const limit = (): number => Math.max(limitMs, startsMax * bestStart);
      const isEnough = (): boolean => best < limit() && best < bestBare * ratioMax;
      for (let run = 0; run < runCountMax && (run < 3 || !isEnough()); run += 1) {
        bestStart = Math.min(bestStart, (await node('-e', '0')).tookMs);
        bestBare = Math.min(bestBare, (await node('-e', bareReading(socketPath(), paths))).tookMs);
        best = Math.min(best, (await node(program, command)).tookMs);
      }
      expect(best).toBeLessThan(limit());
      expect(best / bestBare).toBeLessThan(ratioMax);
    },
  );

  it.each(['list-units', 'list-unit-files'])('%s is whole, sorted and aligned', async (command) => {
    const lines = (await node(program, command)).out.split('\n');
    const [header = '', ...rows] = lines.slice(0, -1);
    expect(rows).toHaveLength(unitCount);
    expect([...rows].sort()).toEqual(rows);
    const stops = columnStarts(header);
    for (const row of rows) expect(columnStarts(row)).toEqual(stops);
  });

  it.each(['list-units', 'list-unit-files'])('%s ends quietly before head', async (command) => {
    const script = 'set -o pipefail; "$0" "$1" "$2" | head -n 2';
    const args = ['-c', script, process.execPath, program, command];
    const child = spawn('bash', args, { env: environment() });
    const said = { out: '', err: '' };
    child.stdout.on('data', (part) => {
      said.out += String(part);
    });
    child.stderr.on('data', (part) => {
      said.err += String(part);
    });
    const status = await new Promise((resolve) => child.once('close', resolve));
    expect({ status, err: said.err }).toEqual({ status: 0, err: '' });
    expect(said.out.split('\n')).toHaveLength(3);
  });
});

/** Where cells begin on a terminal, whose tabs are eight wide. */
function columnStarts(line: string): readonly number[] {
  const starts: number[] = [];
  let column = 0;
  let isGap = true;
  for (const letter of line) {
    if (letter !== '\t' && isGap) starts.push(column);
    isGap = letter === '\t';
    column = isGap ? (Math.floor(column / 8) + 1) * 8 : column + 1;
  }
  return starts;
}
