import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { look } from './fault-story.ts';
import { fleetlab } from './fleetlab.ts';
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
