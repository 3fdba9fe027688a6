// A real etcd, the real API on a socket, the built fleetctl; the reports are written by hand.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { aFilledCluster, bareReading } from '../../test/builders/filled-cluster.ts';
import { atMost, atMostAbove, median, told } from '../goal.ts';
import type { BenchPart, Figure, Row } from '../part.ts';

const program = fileURLToPath(new URL('../../dist/bin/fleetctl.cjs', import.meta.url));

const listings = [
  ['list-units', ['state', 'machines']],
  ['list-unit-files', ['units?brief=true', 'machines']],
  ['list-unit-files -o json', ['units', 'machines']],
] as const;

/** What `npm run bench -- list-units` runs. */
export const part: BenchPart = {
  measures: "fleetctl's listings of a large cluster, beside a bare reading of the same bytes",
  async measure({ size, say }) {
    const [unitCount, runCount] = size === 'full' ? [10_000, 7] : [20, 1];
    const machineCount = 10;
    say(`filling a cluster with ${unitCount} units on ${machineCount} machines`);
    await using cluster = await aFilledCluster({ unitCount, machineCount });
    const { socketPath } = cluster;
    const env = { ...process.env, FLEETCTL_ENDPOINT: `unix://${socketPath}` };
    const timed = (what: string, args: readonly string[]): Promise<Figure> =>
      timeOf(what, args, { env, runCount });
    const started = await timed('fleetctl version', [program, 'version']);
    const rows: Row[] = [atMost(started, 80, await timed('node alone', ['-e', '']))];
    for (const [command, paths] of listings) {
      const what = `${unitCount} units: fleetctl ${command}`;
      const listed = await timed(what, [program, ...command.split(' ')]);
      if (command === 'list-units') rows.push(atMostAbove(listed, 150, started));
      const bare = ['-e', bareReading(socketPath, paths)];
      rows.push(told(listed, await timed(`bare reading of ${paths.join(', ')}`, bare)));
    }
    return rows;
  },
};

/** From start to end of the process, the median of some runs. */
async function timeOf(
  what: string,
  args: readonly string[],
  { env, runCount }: { readonly env: NodeJS.ProcessEnv; readonly runCount: number },
): Promise<Figure> {
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
  return { what, value: median(runsMs), unit: 'ms' };
}
