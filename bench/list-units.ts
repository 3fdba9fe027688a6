// Times fleetctl's listings on a large cluster: `node bench/list-units.ts [UNITS] [RUNS]`.
// A real etcd, the real API on a socket, the built fleetctl; the reports are written by hand.
// Beside each figure stands a bare reading of the same bytes as JSON, in a process of its own.
import { execFile } from 'node:child_process';
import { aFilledCluster, bareReading } from '../test/builders/filled-cluster.ts';

const unitCount = Number(process.argv[2] ?? 5000);
const runCount = Number(process.argv[3] ?? 7);
const machineCount = 10;

const cluster = await aFilledCluster({ unitCount, machineCount });
const { socketPath } = cluster;
try {
  console.log(`${unitCount} units on ${machineCount} machines, median of ${runCount} runs`);
  const start = await timed(['dist/bin/fleetctl.cjs', 'version']);
  report('fleetctl version', start);
  for (const [command, paths] of [
    ['list-units', ['state', 'machines']],
    ['list-unit-files', ['units?brief=true', 'machines']],
    ['list-unit-files -o json', ['units', 'machines']],
  ] as const) {
    report(`fleetctl ${command}`, await timed(['dist/bin/fleetctl.cjs', ...command.split(' ')]));
    report(
      `  a bare reading of ${paths.join(', ')}`,
      await timed(['-e', bareReading(socketPath, paths)]),
    );
  }
} finally {
  await cluster[Symbol.asyncDispose]();
}

/** Milliseconds of each run, from start to end of the process. */
async function timed(args: readonly string[]): Promise<readonly number[]> {
  const env = { ...process.env, FLEETCTL_ENDPOINT: `unix://${socketPath}` };
  const runsMs: number[] = [];
  for (let run = 0; run < runCount; run += 1) {
    const startMs = performance.now();
    await new Promise<void>((resolve, reject) => {
      execFile(process.execPath, [...args], { env, maxBuffer: 2 ** 30 }, (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    runsMs.push(performance.now() - startMs);
  }
  return runsMs.sort((one, other) => one - other);
}

function report(what: string, runsMs: readonly number[]): void {
  const median = runsMs[Math.floor(runsMs.length / 2)] ?? 0;
  const [least = 0, most = 0] = [runsMs[0], runsMs.at(-1)];
  const range = `${Math.round(least)} to ${Math.round(most)}`;
  console.log(`${what.padEnd(44)} ${String(Math.round(median)).padStart(6)} ms  (${range})`);
}
