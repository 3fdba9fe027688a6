import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listedBy, metricOf, saysSince, seesNothing, unitRows } from './fault-sights.ts';
import { type FaultCase, harmless, look, settledMs } from './fault-story.ts';
import { fleetlab, fleetlabPath } from './fleetlab.ts';
import { movable, startMixedUnits, stopsAlone } from './mixed-units.ts';
import { invocations, patience, sleeper, withFleet } from './with-fleet.ts';

const machines = ['m1', 'm2', 'm3'] as const;
const ttlMs = 3000;
const fleet = withFleet({ agentTtl: '3s' });

/** Types it, and the test fails unless it ends with status 0. Returns what it printed. */
async function typed(...words: readonly string[]): Promise<string> {
  const ran = await fleetlab(fleet.lab.context.lab, words);
  expect(ran.status, `fleetlab ${words.join(' ')}: ${ran.stderr}`).toBe(0);
  return ran.stdout;
}

/** What etcd has under a key of nobody's. */
async function noted(): Promise<string> {
  const get = 'ETCDCTL_API=3 etcdctl get --print-value-only note';
  return (await fleet.script('m1', get)).trim();
}

async function note(value: string): Promise<void> {
  await fleet.script('m1', `ETCDCTL_API=3 etcdctl put note ${value}`);
}

describe('faults as typed', () => {
  /** Machine, state and faults, as `fleetlab status` shows them. */
  const shown = async (): Promise<readonly string[]> => {
    const rows = (await typed('status')).trim().split('\n').slice(1);
    return rows.map((row) => row.split(/ {2,}/)).map((row) => [row[0], row[3], row[7]].join(' '));
  };

  const kept = async (): Promise<Readonly<Record<string, string>>> =>
    invocations((await look(fleet)).filter(({ unit }) => !stopsAlone(unit)));

  it('are shown while they last, and healed by one command', async () => {
    const before = await kept();
    await typed('fault', 'etcd-frozen', 'm1');
    await typed('partition', 'm3', '--from', 'etcd', '--refuse');
    expect(await shown()).toEqual([
      'm1 running etcd-frozen',
      'm2 running -',
      'm3 partitioned cut-from-etcd-refused',
    ]);
    const again = await fleetlab(fleet.lab.context.lab, ['fault', 'etcd-frozen', 'm1']);
    expect([again.status, again.stderr]).toEqual([
      1,
      'fleetlab: m1 has the fault etcd-frozen already\n' +
        `fleetlab: '${fleetlabPath} heal m1' first\n`,
    ]);
    await typed('heal', 'm1', 'm2', 'm3');
    expect(await shown()).toEqual(['m1 running -', 'm2 running -', 'm3 running -']);
    expect(await kept()).toEqual(before);
  });

  it('that cannot be are refused, with the next step', async () => {
    const { lab } = fleet.lab.context;
    const noDisk = await fleetlab(lab, ['fault', 'disk-full', 'm1']);
    expect(noDisk.stderr).toContain("then 'up --disk-size 768M'");
    const unknown = await fleetlab(lab, ['fault', 'bad-luck', 'm1']);
    expect(unknown.stderr).toContain(
      "there is no fault 'bad-luck'\nfleetlab: there are clock-back,",
    );
    expect([noDisk.status, unknown.status]).toEqual([1, 1]);
    expect((await shown()).filter((row) => !row.endsWith(' -'))).toEqual([]);
  });
});

let sinceMs = 0;

/** Every machine is frozen for that reason, and says so in each way; nobody may write. */
async function seenFrozen(why: string, next: RegExp): Promise<void> {
  for (const via of machines) {
    await expect
      .poll(() => metricOf(fleet, via, `fleet_store_frozen{why="${why}"}`), patience)
      .toBe(1);
    expect(await metricOf(fleet, via, `fleet_notices{kind="${why}"}`)).toBe(1);
    await saysSince(fleet, via, sinceMs, `"why":"${why}"`);
    await saysSince(fleet, via, sinceMs, 'froze: the store is not ours');
    const { notices } = await listedBy(fleet, via);
    expect(notices).toContain(`${why}: `);
    expect(notices).toMatch(next);
  }
  const units = await fleet.fleetctl(['list-units']);
  expect(units.stderr).toContain(`${why}: `);
  const refused = await fleet.fleetctl(['stop', 'app@1.service']);
  expect([refused.status, refused.stdout]).toEqual([1, '']);
}

async function seenThawed(): Promise<void> {
  for (const via of machines) {
    await saysSince(fleet, via, sinceMs, 'thawed: the store is ours');
    expect(await metricOf(fleet, via, 'fleet_store_frozen{why="store-not-ours"}')).toBe(0);
    expect(await metricOf(fleet, via, 'fleet_store_frozen{why="store-went-back"}')).toBe(0);
  }
  await seesNothing(fleet, machines);
}

/** A unit of which the backup knows nothing: it runs on, is shown, and is adopted as it is. */
async function adoptLater(): Promise<void> {
  const note = async (): Promise<string | undefined> =>
    (await unitRows(fleet, 'm1', 'unit,active,note')).find((row) => row.startsWith('later'));
  await expect.poll(note, patience).toBe('later.service\tactive\torphan');
  const { notices } = await listedBy(fleet, 'm1');
  expect(notices).toContain('1 unit runs without an order: later.service on ');
  await fleet.did('start', '--wait', fleet.file('later.service', sleeper()));
  await expect.poll(note, patience).toBe('later.service\tactive\t-');
  await fleet.did('destroy', 'later.service');
}

const foreign = '{"format":1,"clusterId":"another-cluster","formatNeeded":1,"epoch":7}';

/** Refused until what stops when it is cut off has stopped for certain; says for how long. */
async function adopt(epoch: string): Promise<void> {
  await expect
    .poll(async () => {
      const { status, stdout, stderr } = await fleet.fleetctl(['adopt-store', '--yes']);
      return status === 0 ? stdout : stderr.replace(/.*Try again in \d+ s\..*/s, 'later');
    }, patience)
    .not.toBe('later');
  expect(await fleet.did('adopt-store', '--yes')).toContain('nothing to adopt');
  expect(await storeEpoch()).toBe(epoch);
}

async function storeEpoch(): Promise<string> {
  const record = JSON.parse((await fleet.stored('cluster'))?.value ?? '{}') as { epoch?: number };
  return `epoch ${record.epoch}`;
}

const cases: readonly FaultCase[] = [
  {
    name: 'restored from a backup that is older than one of the units, and adopted',
    inflict: async () => {
      await note('old');
      expect(await typed('etcd', 'backup', 'monday')).toMatch(/\/backups\/monday\.db\n$/);
      // Older by more revisions than leases that end can make up for.
      const many = 'for n in $(seq 60); do ETCDCTL_API=3 etcdctl put note new; done';
      await fleet.script('m1', many);
      await fleet.did('start', '--wait', fleet.file('later.service', sleeper()));
      sinceMs = Date.now();
      await typed('etcd', 'restore', 'monday');
      expect(await noted()).toBe('old');
    },
    lastsMs: 1.5 * ttlMs,
    stops: machines,
    brings: 'later.service',
    seen: () => seenFrozen('store-went-back', /etcd is at revision .*\n.*adopt-store/),
    heal: async () => {
      await adopt('epoch 2');
      await adoptLater();
    },
    after: seenThawed,
  },
  {
    name: "another cluster's etcd behind the same addresses, and the own one again",
    inflict: async () => {
      sinceMs = Date.now();
      await typed('etcd', 'stranger');
      expect(await noted()).toBe('');
      await fleet.script('m1', `ETCDCTL_API=3 etcdctl put /_coreos.com/fleet/cluster '${foreign}'`);
    },
    lastsMs: 1.5 * ttlMs,
    stops: machines,
    seen: async () => {
      await seenFrozen('store-not-ours', /the store is of cluster another-cluster, ours is/);
      const adopting = await fleet.fleetctl(['adopt-store', '--yes']);
      expect([adopting.status, adopting.stdout]).toEqual([1, '']);
      expect(adopting.stderr).toContain('another-cluster');
    },
    heal: () => typed('etcd', 'own'),
    after: seenThawed,
  },
  {
    name: 'emptied, adopted, and every unit submitted again',
    inflict: async () => {
      sinceMs = Date.now();
      await typed('etcd', 'empty');
      expect(await noted()).toBe('');
    },
    lastsMs: 1.5 * ttlMs,
    stops: machines,
    seen: () => seenFrozen('store-not-ours', /no cluster is stored, ours is .*\n.*adopt-store/),
    heal: async () => {
      await adopt('epoch 3');
      const orphans = async (): Promise<readonly string[]> =>
        (await unitRows(fleet, 'm1', 'unit,note')).filter((row) => row.endsWith('\torphan'));
      const all = expect.arrayContaining(movable.map((unit) => `${unit}\torphan`));
      await expect.poll(orphans, patience).toEqual(all);
      await startMixedUnits(fleet, machines);
    },
    after: seenThawed,
  },
];

beforeAll(() => startMixedUnits(fleet, machines));
afterAll(() => {
  process.stdout.write(`settled after ms: ${JSON.stringify([...settledMs])}\n`);
});

describe('whatever becomes of the store moves, stops and restarts no unit:', () => {
  for (const fault of cases) it(fault.name, () => harmless(fleet, machines, fault));
});
