// npm run sim: whole clusters under a seed, as many and for as long as you like.
// `npm run sim -- --help` lists what it can be told.
import { availableParallelism } from 'node:os';
import { type RunOutcome, simulate } from '../test/sim/simulation.ts';
import { parseCount, parseHours, scriptCommand } from './command-line.ts';
import { type Sum, seedsPerTurn, shareSeeds, sumLine } from './sim-workers.ts';

interface Flags {
  readonly seed?: number;
  readonly seeds: number;
  readonly from: number;
  readonly hours: number;
  readonly workers: number;
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
  .option('--workers <count>', 'so many processes at once', parseCount, availableParallelism())
  .option('--once', 'each seed once only')
  .option('--first', 'end at the first seed that fails')
  .addHelpText('after', examples)
  .parse()
  .opts<Flags>();

const hourMs = 3_600_000;
const faultyMs = values.hours * hourMs;
const shownCount = 40;
const progressMsMin = 10_000;

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

async function many(from: number, count: number): Promise<Sum> {
  Error.stackTraceLimit = 0; // a twentieth of the time; a replay of one seed has them
  let [doneCount, failedCount, virtualMs, slowestMs] = [0, 0, 0, 0];
  for (let seed = from; seed < from + count; seed += 1) {
    const outcome = await simulate({ seed, faultyMs });
    doneCount += 1;
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
  const virtualHours = virtualMs / hourMs;
  return { seedCount: doneCount, virtualHours, failedCount, slowestSeconds: slowestMs / 1000 };
}

/** Says on stderr how far it is, now and then. */
function progress(beganMs: number): (sum: Sum) => void {
  let saidMs = beganMs;
  return ({ seedCount, failedCount }) => {
    const nowMs = performance.now();
    if (nowMs - saidMs < progressMsMin) return;
    saidMs = nowMs;
    const took = `${((nowMs - beganMs) / 1000).toFixed(0)} s`;
    process.stderr.write(`${seedCount} of ${values.seeds} seeds, ${failedCount} failed, ${took}\n`);
  };
}

async function all(): Promise<boolean> {
  const { from, seeds: count, workers: workerCount, hours, once, first } = values;
  say(`seeds ${from} to ${from + count - 1}, ${hours} hours of faults each`);
  const isAlone = count <= seedsPerTurn;
  const flags = [
    '--hours',
    String(hours),
    ...(once ? ['--once'] : []),
    ...(first ? ['--first'] : []),
  ];
  const beganMs = performance.now();
  const sharing = { from, count, workerCount, flags, isFirstEnough: first === true };
  const sum = isAlone ? await many(from, count) : await shareSeeds(sharing, say, progress(beganMs));
  if (!isAlone) say(`took ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
  say(sumLine(sum));
  return sum.failedCount === 0;
}

const isGood = values.seed === undefined ? await all() : await one(values.seed);
process.exitCode = isGood ? 0 : 1;
