import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { look } from './fault-story.ts';
import { fleetlab, fleetlabPath } from './fleetlab.ts';
import { startMixedUnits } from './mixed-units.ts';
import { invocations, sleeper, withFleet } from './with-fleet.ts';

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

beforeAll(() => startMixedUnits(fleet, machines));

describe('faults as typed', () => {
  /** Machine, state and faults, as `fleetlab status` shows them. */
  const shown = async (): Promise<readonly string[]> => {
    const rows = (await typed('status')).trim().split('\n').slice(1);
    return rows.map((row) => row.split(/ {2,}/)).map((row) => [row[0], row[3], row[7]].join(' '));
  };

  it('are shown while they last, and healed by one command', async () => {
    const before = invocations(await look(fleet));
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
    expect(invocations(await look(fleet))).toEqual(before);
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

describe('whatever becomes of the store, nothing stops:', () => {
  /** Does something to etcd; after more than a TTL every copy is what it was. */
  async function unhurtBy(...words: readonly string[]): Promise<void> {
    const before = invocations(await look(fleet));
    await typed('etcd', ...words);
    await sleep(1.5 * ttlMs);
    expect(invocations(await look(fleet))).toEqual(before);
  }

  it('restored from a backup that is older than some of the units', async () => {
    await note('old');
    expect(await typed('etcd', 'backup', 'monday')).toMatch(/\/backups\/monday\.db\n$/);
    await note('new');
    await fleet.did('start', '--wait', fleet.file('later.service', sleeper()));
    await unhurtBy('restore', 'monday');
    expect(await noted()).toBe('old');
  });

  it("another cluster's etcd behind the same addresses, and the own one again", async () => {
    await unhurtBy('stranger');
    expect(await noted()).toBe('');
    await unhurtBy('own');
    expect(await noted()).toBe('old');
  });

  it('emptied', async () => {
    await unhurtBy('empty');
    expect(await noted()).toBe('');
  });
});
