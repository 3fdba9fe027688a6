import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../src/engine/limits.ts';
import { leaderOf, type StoreWatch, watchStore } from '../../src/lab/drill/store-watch.ts';
import { etcdLeader } from '../../src/lab/etcd-leader.ts';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { readLab } from '../../src/lab/record.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type BenchFleet, type BenchMachine, fleetOf, seenActive } from '../fleet.ts';
import { atMostAbove } from '../goal.ts';
import type { Bench, BenchPart, Row } from '../part.ts';
import { sleeper } from '../unit-text.ts';

/** Of the bench's machines; see `Bench.lab`. */
const ttlS = 3;

/** A machine's lease is far from new: as long as this after it was booted. */
const settledMs = 5_000;

/** The leader waits so long for a machine that vanished; docs/adr/0017-brake.md. */
const returnS = limits.returnTtlShare * ttlS;

interface Loss {
  readonly what: string;
  /** On the machine that is lost. */
  readonly unitCount: number;
  readonly isLeader: boolean;
  /** Seconds after the lease's expiry as etcd shows it, and after the machine's time to return. */
  readonly goalS: number;
}

const losses: readonly Loss[] = [
  { what: 'one unit, machine killed', unitCount: 1, isLeader: false, goalS: 0.25 },
  { what: "one unit, leader's machine killed", unitCount: 1, isLeader: true, goalS: 0.5 },
  { what: '100 units, machine killed', unitCount: 100, isLeader: false, goalS: 1 },
];

/** What `npm run bench -- failover` runs. */
export const part: BenchPart = {
  measures: 'units of a killed machine, from the expiry of its lease until they are active again',
  async measure({ size, say, lab }) {
    const fleet = await fleetOf(await lab());
    const rows: Row[] = [];
    try {
      for (const loss of size === 'full' ? losses : losses.slice(0, 1)) {
        rows.push(await lose(fleet, loss, { say, runCount: size === 'full' ? 3 : 1 }));
      }
      return rows;
    } finally {
      fleet.close();
    }
  },
};

/** The worst of some runs: an operator meets that one. */
async function lose(
  fleet: BenchFleet,
  loss: Loss,
  { say, runCount }: Pick<Bench, 'say'> & { readonly runCount: number },
): Promise<Row> {
  const runs: Moved[] = [];
  for (let run = 0; run < runCount; run += 1) {
    const moved = await loseOnce(fleet, loss, runCount > 1 ? settledMs : 0);
    say(`${loss.what}: ${moved.words}`);
    runs.push(moved);
  }
  const worst = runs.reduce((one, other) => (one.afterS >= other.afterS ? one : other));
  return atMostAbove(
    { what: `${loss.what}: active after its expiry`, value: worst.afterS, unit: 's' },
    loss.goalS,
    { what: 'its time to return', value: returnS, unit: 's' },
  );
}

interface Moved {
  readonly afterS: number;
  readonly words: string;
}

async function loseOnce(fleet: BenchFleet, loss: Loss, restMs: number): Promise<Moved> {
  const names = await spread(fleet, loss.unitCount * fleet.machines.length);
  await sleep(restMs);
  const victim = await victimOf(fleet, loss.isLeader);
  const isOfEtcd = (await etcdLeader(readLab(fleet.context.lab)))?.name === victim.name;
  const others = fleet.machines.filter(({ name }) => name !== victim.name);
  const watch = await watchStore(others.map(({ address }) => `http://${address}:2379`).join(','));
  try {
    const mine = await unitsOn(fleet, victim, names);
    if (mine.length !== loss.unitCount) throw new Error(`${mine.length} units on ${victim.name}`);
    const expired = expiryOf(watch, victim);
    const active = seenActive(watch, mine);
    const cutMs = systemClock.nowMs();
    await killMachine(fleet.context, victim.name);
    const [expiredMs, activeMs] = await Promise.all([expired, active]);
    const expiryS = (expiredMs - cutMs) / 1000;
    const afterS = (activeMs - expiredMs) / 1000;
    const etcd = isOfEtcd ? ", etcd's leader went too" : '';
    const story = storyOf(watch, mine, expiredMs);
    const words = `expired after ${expiryS.toFixed(2)} s, active ${afterS.toFixed(3)} s later`;
    return { afterS, words: `${words}${etcd} (${story})` };
  } finally {
    watch.stop();
    await bootMachine(fleet.context, victim.name);
    await fleet.clear();
  }
}

/** Starts that many units, and returns their names once all are active. */
async function spread(fleet: BenchFleet, unitCount: number): Promise<readonly string[]> {
  const template = fleet.file('move@.service', sleeper);
  const names = Array.from({ length: unitCount }, (_, index) => `move@${index + 1}.service`);
  const watch = await fleet.watch();
  try {
    const active = seenActive(watch, names);
    const paths = names.map((name) => template.replace('move@.service', name));
    await fleet.insist('start', '--no-block', ...paths);
    await active;
    return names;
  } finally {
    watch.stop();
  }
}

async function victimOf(fleet: BenchFleet, isLeader: boolean): Promise<BenchMachine> {
  const leader = await leaderOf(await fleet.endpoints());
  const victim = fleet.machines.findLast(({ id }) => (id === leader) === isLeader);
  if (victim === undefined) throw new Error('no machine leads');
  return victim;
}

async function unitsOn(
  fleet: BenchFleet,
  machine: BenchMachine,
  names: readonly string[],
): Promise<readonly string[]> {
  const listed = await fleet.fleetctl('list-units', '-l', '--fields=unit,machine', '--no-legend');
  const here = listed.split('\n').flatMap((line) => {
    const [unit = '', where = ''] = line.split(/\s+/);
    return where.startsWith(machine.id) ? [unit] : [];
  });
  return names.filter((name) => here.includes(name));
}

async function expiryOf(watch: StoreWatch, { id }: BenchMachine): Promise<number> {
  const event = await watch.until(
    ({ key, value }) => key === `machines/${id}` && value === null,
    60_000,
  );
  if (event === null) throw new Error('the lease of a killed machine did not expire');
  return event.atMs;
}

/** When, after the expiry, etcd first showed a new leader, and the first and the last new place. */
function storyOf(watch: StoreWatch, units: readonly string[], expiredMs: number): string {
  const since = watch.events.filter(({ atMs, value }) => atMs >= expiredMs && value !== null);
  const led = since.find(({ key }) => key === 'engine/leader');
  const placed = since.filter(({ key }) => units.includes(key.replace(/^placement\//, '')));
  const at = (what: string, event: { readonly atMs: number } | undefined): string =>
    event === undefined ? '' : `${what} ${Math.round(event.atMs - expiredMs)} ms`;
  const steps = [at('led', led), at('placed', placed[0]), at('last placed', placed.at(-1))];
  return steps.filter((step) => step !== '').join(', ');
}
