// npm run sim: whole clusters under a seed, as many and for as long as you like.
// `npm run sim -- --help` lists what it can be told.
import { type RunOutcome, simulate } from '../test/sim/simulation.ts';
import { parseCount, parseHours, scriptCommand } from './command-line.ts';

interface Flags {
  readonly seed?: number;
  readonly seeds: number;
  readonly from: number;
  readonly hours: number;
  readonly once?: true;
  readonly first?: true;
}

const examples = `
Examples:
  npm run sim                             seeds 1 to 50
  npm run sim -- --seeds 1000 --from 51   the next 1000
  npm run sim -- --seed 7 --hours 0.05    what happened under seed 7`;

const values = scriptCommand('sim', 'Whole clusters under a seed, with faults, in virtual time.')
  .option('--seed <number>', 'this seed only, with every line of its trace', parseCount)
  .option('--seeds <count>', 'that many seeds, twice each', parseCount, 50)
  .option('--from <number>', 'the first of them', parseCount, 1)
  .option('--hours <hours>', 'virtual hours with faults, for each seed', parseHours, 0.1)
  .option('--once', 'each seed once only')
  .option('--first', 'end at the first seed that fails')
  .addHelpText('after', examples)
  .parse()
  .opts<Flags>();

const hourMs = 3_600_000;
const faultyMs = values.hours * hourMs;
const shownCount = 40;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function report({ seed, violations, lastLines }: RunOutcome): void {
  say(`seed ${seed} FAILED: replay with npm run sim -- --seed ${seed} --hours ${values.hours}`);
  for (const line of lastLines.slice(-shownCount)) say(`    ${line.slice(0, 300)}`);
  for (const violation of violations) say(`  ${violation}`);
}

async function one(seed: number): Promise<boolean> {
  say(`seed ${seed}`);
  const outcome = await simulate({ seed, faultyMs, tell: say });
  for (const violation of outcome.violations) say(`  ${violation}`);
  say(`digest ${outcome.digest}, settled after ${outcome.settledMs / 1000} s`);
  return outcome.violations.length === 0;
}

async function many(from: number, count: number): Promise<boolean> {
  say(`seeds ${from} to ${from + count - 1}, ${values.hours} hours of faults each`);
  let [failedCount, virtualMs, slowestMs] = [0, 0, 0];
  for (let seed = from; seed < from + count; seed += 1) {
    if (process.stderr.isTTY || process.env['CI'] === 'loud')
      process.stderr.write(`seed ${seed}\n`);
    const outcome = await simulate({ seed, faultyMs });
    virtualMs += outcome.virtualMs;
    slowestMs = Math.max(slowestMs, outcome.settledMs);
    let isGood = outcome.violations.length === 0;
    if (!isGood) report(outcome);
    if (!values.once) {
      const again = await simulate({ seed, faultyMs });
      if (again.digest !== outcome.digest) {
        isGood = false;
        say(`seed ${seed} FAILED: the second run did something else`);
      }
    }
    if (!isGood) failedCount += 1;
    if (!isGood && values.first) break;
  }
  const hours = (virtualMs / hourMs).toFixed(1);
  const slowest = (slowestMs / 1000).toFixed(0);
  say(`${count} seeds, ${hours} virtual hours, ${failedCount} failed, settled within ${slowest} s`);
  return failedCount === 0;
}

const isGood =
  values.seed === undefined ? await many(values.from, values.seeds) : await one(values.seed);
process.exitCode = isGood ? 0 : 1;
