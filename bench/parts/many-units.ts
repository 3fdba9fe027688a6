import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { programsFolder } from '../../src/lab/programs.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type BenchFleet, fleetOf, seenActive, seenGone } from '../fleet.ts';
import { atMost, atMostTimes, median } from '../goal.ts';
import type { BenchPart, Figure, Row } from '../part.ts';
import { sleeper } from '../unit-text.ts';

/** A machine does not see the checkout: it gets the bare loop as one file beside its programs. */
const bareSource = fileURLToPath(new URL('../bare-systemd.ts', import.meta.url));
const barePath = `${programsFolder}/bare-systemd.cjs`;

/** Seconds that both ways took. */
interface Times {
  readonly startS: number;
  readonly destroyS: number;
}

/** What `npm run bench -- many-units` runs. */
export const part: BenchPart = {
  measures:
    'many units on three real machines, from fleetctl to the last, beside a bare D-Bus loop',
  async measure({ size, say, lab }) {
    const fleet = await fleetOf(await lab());
    try {
      await installBareLoop(fleet);
      if (size === 'small') return await both(fleet, { unitCount: 6, runCount: 1, say });
      return [
        ...(await both(fleet, { unitCount: 100, runCount: 3, say })),
        ...(await both(fleet, { unitCount: 1000, runCount: 3, say })),
      ];
    } finally {
      fleet.close();
    }
  },
};

async function installBareLoop(fleet: BenchFleet): Promise<void> {
  const { outputFiles } = await build({
    ...{ entryPoints: [bareSource], bundle: true, write: false, platform: 'node', format: 'cjs' },
  });
  for (const { name } of fleet.machines) fleet.put(name, barePath, outputFiles[0]?.text ?? '');
}

async function both(
  fleet: BenchFleet,
  what: {
    readonly unitCount: number;
    readonly runCount: number;
    readonly say: (line: string) => void;
  },
): Promise<readonly Row[]> {
  const { unitCount, runCount, say } = what;
  const bare: Times[] = [];
  const ours: Times[] = [];
  for (let run = 0; run < runCount; run += 1) {
    bare.push(await bareTimes(fleet, unitCount));
    ours.push(await fleetTimes(fleet, unitCount));
    say(`${unitCount} units: ${words(ours)}; bare loop: ${words(bare)}`);
  }
  const middle = (times: readonly Times[], pick: (one: Times) => number, to: string): Figure => ({
    ...{ what: to, value: median(times.map(pick)), unit: 's' },
  });
  const start = middle(ours, ({ startS }) => startS, `${unitCount} units: start until all active`);
  const destroy = middle(
    ours,
    ({ destroyS }) => destroyS,
    `${unitCount} units: destroy until nothing is left`,
  );
  const bareStart = middle(bare, ({ startS }) => startS, 'bare D-Bus loop');
  const bareStop = middle(bare, ({ destroyS }) => destroyS, 'bare D-Bus loop');
  if (unitCount > 100) {
    return [atMostTimes(start, 1.25, bareStart), atMostTimes(destroy, 1.25, bareStop)];
  }
  return [atMost(start, 1, bareStart), atMost(destroy, 1, bareStop)];
}

/** From the start of fleetctl until etcd says that all are active, and that none is left. */
async function fleetTimes(fleet: BenchFleet, unitCount: number): Promise<Times> {
  const template = fleet.file('many@.service', sleeper);
  const names = namesOf('many', unitCount);
  const paths = names.map((name) => template.replace('many@.service', name));
  const watch = await fleet.watch();
  try {
    const start = seenActive(watch, names);
    const startMs = systemClock.nowMs();
    await fleet.fleetctl('start', '--no-block', ...paths);
    const activeMs = await start;
    const gone = seenGone(watch, names);
    const destroyMs = systemClock.nowMs();
    await fleet.fleetctl('destroy', '--no-block', ...names);
    const goneMs = await gone;
    return { startS: (activeMs - startMs) / 1000, destroyS: (goneMs - destroyMs) / 1000 };
  } finally {
    watch.stop();
  }
}

/** On all machines at once, each its share. */
async function bareTimes(fleet: BenchFleet, unitCount: number): Promise<Times> {
  const names = namesOf('bare', unitCount);
  const loops = await Promise.all(
    fleet.machines.map(({ name }, index) => {
      const share = names.filter((_, at) => at % fleet.machines.length === index);
      return bareLoop(fleet, name, share);
    }),
  );
  const all = async (): Promise<number> => {
    const startMs = performance.now();
    await Promise.all(loops.map((loop) => loop.next()));
    return (performance.now() - startMs) / 1000;
  };
  return { startS: await all(), destroyS: await all() };
}

/** A bare loop that waits for its first `next`. */
async function bareLoop(
  fleet: BenchFleet,
  machine: string,
  names: readonly string[],
): Promise<{ next(): Promise<void> }> {
  const node = [`${programsFolder}/node`, barePath, '/run/flotilla-bare', ...names];
  const child = fleet.spawnIn(machine, node);
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Error('the bare loop has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  const expect = async (word: string): Promise<void> => {
    const { value, done } = await lines.next();
    if (done === true || value !== word) throw new Error(`the bare loop on ${machine} failed`);
  };
  await expect('ready');
  return {
    async next() {
      stdin.write('\n');
      await expect('done');
    },
  };
}

function namesOf(prefix: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}@${index + 1}.service`);
}

function words(times: readonly Times[]): string {
  const last = times.at(-1);
  return `started in ${last?.startS.toFixed(2)} s, gone in ${last?.destroyS.toFixed(2)} s`;
}
