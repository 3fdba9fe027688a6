// npm run sim: whole clusters under a seed, as many and for as long as you like.
//   npm run sim -- --seed 7           one seed, every line of its trace
//   npm run sim -- --seeds 1000       that many seeds, twice each, from --from (1) on
//   npm run sim -- --hours 0.1        virtual hours with faults, for each seed
//   npm run sim -- --once             each seed once only
//   npm run sim -- --first            ends at the first seed that fails
import { parseArgs } from 'node:util';
import { type RunOutcome, simulate } from '../test/sim/simulation.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '50' },
    from: { type: 'string', default: '1' },
    hours: { type: 'string', default: '0.1' },
    once: { type: 'boolean', default: false },
    first: { type: 'boolean', default: false },
  },
});

const hourMs = 3_600_000;
const faultyMs = Number(values.hours) * hourMs;
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
  values.seed === undefined
    ? await many(Number(values.from), Number(values.seeds))
    : await one(Number(values.seed));
process.exitCode = isGood ? 0 : 1;
