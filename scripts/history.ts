// npm run history: random faults on real machines for as long as you like, and from what units with
// OnPartition=stop have written, whether two of them ever wrote at one time.
import { spawnSync } from 'node:child_process';
import { parseCount, scriptCommand } from './command-line.ts';

interface Flags {
  readonly minutes: number;
  readonly seed?: number;
}

const examples = `
Examples:
  npm run history -- --minutes 30           half an hour of faults
  npm run history -- --minutes 5 --seed 7   the faults of that seed again, as far as time allows`;

const { minutes, seed } = scriptCommand(
  'history',
  'Random faults on real machines; never may two of them run a unit with OnPartition=stop.',
)
  .option('--minutes <count>', 'how long faults happen', parseCount, 5)
  .option('--seed <number>', 'which faults; drawn and told unless given', parseCount)
  .addHelpText('after', examples)
  .parse()
  .opts<Flags>();

const variables = {
  FLOTILLA_HISTORY_MINUTES: String(minutes),
  ...(seed === undefined ? {} : { FLOTILLA_HISTORY_SEED: String(seed) }),
};
const command = ['run', '--project', 'cluster', 'test/cluster/history.test.ts'];
const { status } = spawnSync('vitest', command, {
  stdio: 'inherit',
  env: { ...process.env, ...variables },
});
process.exitCode = status ?? 1;
