// What the engine alone costs: `node bench/engine.ts [--small]`, one line a figure.
// Clusters in memory, no etcd, no agents. Beside each figure stands a bare loop of the same run: what
// it costs to name, hash and keep as many objects as there are units to decide about.
import { pathToFileURL } from 'node:url';
import { Planner } from '../src/engine/planner.ts';
import { hashRank } from '../src/lib/order.ts';
import { finished } from '../src/lib/steps.ts';
import { EngineCluster, idAt, type Wishes } from './engine-cluster.ts';

/** One figure, beside what a bare loop needs for as many units. */
export interface EngineFigure {
  readonly what: string;
  readonly ms: number;
  readonly bareMs: number;
  readonly goal: string | null;
}

const unitsPerMachine = 30;
const clock = { nowMs: 1_000, absenceCountsAtMs: 0, absentForMs: (): number => 5_000 };
const braking = { rules: { ttlMs: 10_000, brakeMs: 60_000 }, overdue: new Set<never>() };

/** Measures the engine; `small` shows that all of it works. */
export function measureEngine(size: 'full' | 'small'): readonly EngineFigure[] {
  const scale = size === 'full' ? 1 : 100;
  const sizes = size === 'full' ? [100, 1_000, 10_000] : [10, 20];
  return [
    ...lifeOf(500 / scale, 5_000 / scale, 'none', ['at most 50 ms', 'at most 2 ms']),
    ...lifeOf(5_000 / scale, 150_000 / scale, 'a third', ['at least 100,000/s', 'at most 5 ms']),
    ...sizes.flatMap((count) => lifeOf(count, count * unitsPerMachine, 'a third', [null, null])),
  ];
}

/** From nothing, nothing to do, a new unit, a machine that dies. */
function lifeOf(
  machineCount: number,
  unitCount: number,
  wishes: Wishes,
  [first, death]: readonly [string | null, string | null],
): readonly EngineFigure[] {
  const cluster = new EngineCluster(machineCount, unitCount, wishes);
  const planner = new Planner();
  const where = `${unitCount} units on ${machineCount} machines`;
  const plan = (): number => {
    const picture = cluster.picture();
    const beganAtMs = performance.now();
    const { decisions } = finished(planner.plan(picture, clock, braking));
    const ms = performance.now() - beganAtMs;
    cluster.write(decisions);
    return ms;
  };
  const fromNothing = plan();
  for (let count = 0; count < 3; count += 1) plan();
  const events = (happen: (index: number) => void): number => {
    const times = [1, 2, 3, 4, 5].map((index) => {
      happen(index);
      const ms = plan();
      for (let count = 0; count < 3; count += 1) plan();
      return ms;
    });
    return median(times);
  };
  const dies = events((index) => cluster.vanish(idAt(index)));
  const arrives = events((index) => cluster.submit(`new-${index}.service` as never, {}));
  const perMachine = Math.round(unitCount / machineCount);
  return [
    figure(`${where}: from nothing`, fromNothing, unitCount, first),
    figure(`${where}: one machine dies`, dies, perMachine, death),
    figure(`${where}: one unit is new`, arrives, 1, null),
    figure(
      `${where}: nothing to do`,
      events(() => undefined),
      1,
      null,
    ),
  ];
}

function figure(what: string, ms: number, count: number, goal: string | null): EngineFigure {
  return { what, ms, bareMs: bareLoopMs(count), goal };
}

/** The middle of some runs: a single one of a few units is below what a clock can tell. */
function bareLoopMs(count: number): number {
  const roundCount = Math.max(5, Math.ceil(10_000 / count));
  const beganAtMs = performance.now();
  for (let round = 0; round < roundCount; round += 1) {
    const kept = new Map<string, { readonly name: string; readonly rank: number }>();
    for (let index = 0; index < count; index += 1) {
      const name = `app-${round}@${index}.service`;
      kept.set(name, { name, rank: hashRank(name) });
    }
  }
  return (performance.now() - beganAtMs) / roundCount;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { what, ms, bareMs, goal } of measureEngine(
    process.argv.includes('--small') ? 'small' : 'full',
  )) {
    const times = `${(ms / bareMs).toFixed(0)} × a bare loop`;
    console.log(`${what.padEnd(55)} ${ms.toFixed(2)} ms, ${times}${goal ? `; goal: ${goal}` : ''}`);
  }
}
