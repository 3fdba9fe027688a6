// npm run soak: three machines, drill after drill, and nothing may grow.
// `npm run soak -- --help` lists what it can be told.
import { spawnSync } from 'node:child_process';
import { parseCount, scriptCommand } from './command-line.ts';

interface Flags {
  readonly minutes: number;
  readonly seed?: number;
}

const { minutes, seed } = scriptCommand(
  'soak',
  'Random drills on three real machines; memory, files, keys and processes may not grow.',
)
  .option('--minutes <minutes>', 'for how long', parseCount, 30)
  .option('--seed <number>', 'the same drills again', parseCount)
  .addHelpText(
    'after',
    `
Examples:
  npm run soak                  half an hour
  npm run soak -- --minutes 5   a shorter one`,
  )
  .parse()
  .opts<Flags>();

const soaked = spawnSync('vitest', ['run', '--project', 'cluster', 'test/cluster/soak.test.ts'], {
  stdio: 'inherit',
  env: {
    ...process.env,
    FLOTILLA_SOAK_MINUTES: String(minutes),
    ...(seed === undefined ? {} : { FLOTILLA_SOAK_SEED: String(seed) }),
  },
});
process.exitCode = soaked.status ?? 1;
