// The engine alone, on clusters in memory: no etcd, no agents. Beside each figure stands a bare loop of
// the same run: what it costs to name, hash and keep as many objects as there are units to decide about.
import { limits } from '../../src/engine/limits.ts';
import { Planner } from '../../src/engine/planner.ts';
import { type Clock, systemClock } from '../../src/lib/clock.ts';
import { hashRank } from '../../src/lib/order.ts';
import { finished, inTurns, type Steps } from '../../src/lib/steps.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { EngineCluster, idAt, type Wishes } from '../engine-cluster.ts';
import { atLeast, atMost, atMostTimes, median, told } from '../goal.ts';
import type { BenchPart, Figure } from '../part.ts';

const time = { nowMs: 1_000, absenceCountsAtMs: 0, absentForMs: (): number => 5_000 };
const braking = { rules: { ttlMs: 10_000, brakeMs: 60_000 }, overdue: new Set<never>() };
const never = new AbortController().signal;
/** Plans until nothing is left to decide about an event. */
const settleCount = 3;
const eventCount = 15;

/** What `npm run bench -- engine` runs. */
export const part: BenchPart = {
  measures: 'the engine alone: a first plan, one event, nothing to do, and how each of them grows',
  async measure({ size, say }) {
    const scale = size === 'full' ? 1 : 100;
    const life = async (
      machineCount: number,
      unitCount: number,
      wishes: Wishes,
    ): Promise<EngineLife> => {
      say(`${unitCount} units on ${machineCount} machines`);
      return lifeOf(new EngineCluster(machineCount, unitCount, wishes), unitCount / machineCount);
    };
    const small = await life(500 / scale, 5_000 / scale, 'none');
    const large = await life(5_000 / scale, 150_000 / scale, 'a third');
    const rows = [
      atMost(small.first, 50, bareLoop(small.unitCount)),
      atMost(small.dies, 1.5, bareLoop(small.perMachine)),
      told(small.rests, bareLoop(1)),
      atLeast(large.placements, 100_000, bareRate(large.unitCount)),
      atMost(large.dies, 3, bareLoop(large.perMachine)),
      told(large.rests, bareLoop(1)),
      atMost(large.stretch, 20),
    ];
    const sizes = size === 'full' ? [100, 1_000, 10_000] : [2, 4];
    const lives: EngineLife[] = [];
    for (const count of sizes) lives.push(await life(count, count * 30, 'a third'));
    const [fewest, most] = [lives[0], lives.at(-1)];
    if (fewest === undefined || most === undefined) return rows;
    return [
      ...rows,
      ...lives.slice(1, -1).map(({ dies }) => told(dies, fewest.dies)),
      atMostTimes(most.dies, 2, fewest.dies),
      atMostTimes(most.diesSteps, 1.2, fewest.diesSteps),
      atMostTimes(most.arrives, 2, fewest.arrives),
    ];
  },
};

/** What a cluster's engine needed, from nothing to a machine that dies. */
interface EngineLife {
  readonly unitCount: number;
  readonly perMachine: number;
  readonly first: Figure;
  readonly placements: Figure;
  readonly dies: Figure;
  /** What that took, in units that were looked at, as often as they were. */
  readonly diesSteps: Figure;
  readonly arrives: Figure;
  readonly rests: Figure;
  /** The longest time for which others waited for the loop. */
  readonly stretch: Figure;
}

async function lifeOf(cluster: EngineCluster, perMachine: number): Promise<EngineLife> {
  const { units, machines } = cluster.picture();
  const where = `${units.size} units on ${machines.size} machines`;
  const planner = new Planner();
  const clock = new StretchClock();
  const plan = async (): Promise<number> => {
    const picture = cluster.picture();
    const beganAtMs = clock.begin();
    const made = await inTurns(
      planner.plan(picture, time, braking),
      limits.planTurnMs,
      clock,
      never,
    );
    clock.noteStretch();
    const tookMs = performance.now() - beganAtMs;
    cluster.write(made?.decisions ?? []);
    return tookMs;
  };
  const settle = async (): Promise<void> => {
    for (let count = 0; count < settleCount; count += 1) await plan();
  };
  const events = async (happen: (index: number) => void): Promise<number> => {
    const times: number[] = [];
    for (let index = 1; index <= eventCount; index += 1) {
      happen(index);
      times.push(await plan());
      await settle();
    }
    return median(times);
  };
  const firstMs = await plan();
  await settle();
  const diesMs = await events((index) => cluster.vanish(idAt(index)));
  cluster.vanish(idAt(eventCount + 1));
  const counter = { count: 0 };
  const made = finished(counted(planner.plan(cluster.picture(), time, braking), counter));
  cluster.write(made.decisions);
  await settle();
  const arrivesMs = await events((index) => cluster.submit(`new-${index}.service` as UnitName, {}));
  const restsMs = await events(() => undefined);
  const ms = (what: string, value: number): Figure => {
    return { what: `${where}: ${what}`, value, unit: 'ms' };
  };
  return {
    ...{ unitCount: units.size, perMachine },
    first: ms('from nothing', firstMs),
    placements: {
      what: `${where}: from nothing`,
      value: units.size / (firstMs / 1000),
      unit: 'placements/s',
    },
    dies: ms('one machine dies', diesMs),
    diesSteps: {
      ...{ what: `${where}: one machine dies, steps of the plan`, value: counter.count },
      unit: 'steps',
    },
    arrives: ms('one unit is new', arrivesMs),
    rests: ms('nothing to do', restsMs),
    stretch: ms('the longest that others wait', clock.longestMs),
  };
}

/** The same steps, counted: what was done, whatever it took on this computer. */
function* counted<Result>(steps: Steps<Result>, counter: { count: number }): Steps<Result> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    counter.count += 1;
    yield;
  }
}

/** The clock of a leader's turns, which notes how long each was. */
class StretchClock implements Clock {
  longestMs = 0;
  #beganAtMs = 0;

  begin(): number {
    this.#beganAtMs = performance.now();
    return this.#beganAtMs;
  }

  noteStretch(): void {
    this.longestMs = Math.max(this.longestMs, performance.now() - this.#beganAtMs);
  }

  nowMs(): number {
    return systemClock.nowMs();
  }

  wallMs(): number {
    return systemClock.wallMs();
  }

  after(ms: number, run: () => void): () => void {
    this.noteStretch();
    return systemClock.after(ms, () => {
      this.begin();
      run();
    });
  }
}

/** The middle of some runs: a single one of a few units is below what a clock can tell. */
function bareLoop(unitCount: number): Figure {
  const roundCount = Math.max(5, Math.ceil(10_000 / unitCount));
  const beganAtMs = performance.now();
  for (let round = 0; round < roundCount; round += 1) {
    const kept = new Map<string, { readonly name: string; readonly rank: number }>();
    for (let index = 0; index < unitCount; index += 1) {
      const name = `app-${round}@${index}.service`;
      kept.set(name, { name, rank: hashRank(name) });
    }
  }
  const value = (performance.now() - beganAtMs) / roundCount;
  return { what: `naming and hashing ${unitCount}`, value, unit: 'ms' };
}

function bareRate(unitCount: number): Figure {
  const { what, value } = bareLoop(unitCount);
  return { what, value: unitCount / (value / 1000), unit: 'objects/s' };
}
