import { beforeAll, describe, expect, it, vi } from 'vitest';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { killMachine } from '../../src/lab/power.ts';
import { metricOf, saysSince } from './fault-sights.ts';
import { invocations, patience, sleeper, withFleet } from './with-fleet.ts';

const names = ['m1', 'm2', 'm3', 'm4', 'm5'] as const;
const fleet = withFleet({ machineCount: names.length, agentTtl: '3s' });
const apps = Array.from({ length: 10 }, (_, index) => `app@${index}.service`);

beforeAll(async () => {
  const configure = "echo 'brake_seconds = 40' >> /etc/fleet/fleet.conf; systemctl restart fleet";
  await Promise.all(names.map((name) => fleet.script(name, configure)));
  const app = fleet.file('app@.service', sleeper());
  await fleet.did('start', '--wait', ...apps.map((name) => app.replace('app@.service', name)));
  await vi.waitFor(async () => expect(await fleet.running()).toHaveLength(apps.length), patience);
});

/** Two without etcd, and one of its three members: the leader, or one that does not lead. */
async function mostMachines(withLeader: boolean): Promise<readonly string[]> {
  const leader = await fleet.leader();
  const members = names.slice(0, 3);
  const member = members.find((name) => (name === leader) === withLeader) ?? members[0] ?? '';
  return ['m4', 'm5', member];
}

function others(victims: readonly string[]): readonly string[] {
  return names.filter((name) => !victims.includes(name));
}

/** How many machines a machine that stayed lists, and what it says besides. */
async function listed(via: string): Promise<{ readonly count: number; readonly notices: string }> {
  const { stdout, stderr } = await fleet.fleetctl(['list-machines', '--no-legend'], { via });
  return { count: stdout.split('\n').filter(Boolean).length, notices: stderr };
}

/** Cuts them off and waits until a machine that stayed lists no other. */
async function vanish(victims: readonly string[]): Promise<string> {
  const [via = ''] = others(victims);
  await Promise.all(victims.map((name) => partitionMachine(fleet.lab.context, name)));
  await expect.poll(async () => (await listed(via)).count, patience).toBe(2);
  return via;
}

/** Where each unit is placed, as the store says. */
async function placements(): Promise<readonly unknown[]> {
  const stored = await Promise.all(apps.map((unit) => fleet.stored(`placement/${unit}`)));
  return stored.map((key) => (JSON.parse(key?.value ?? '{}') as { machine: unknown }).machine);
}

describe('when three of five machines vanish at once', () => {
  it('nothing moves and everybody says so; those that come back go on as they were', async () => {
    const before = { running: invocations(await fleet.running()), placed: await placements() };
    const victims = await mostMachines(true);
    const sinceMs = Date.now();
    const via = await vanish(victims);
    await expect
      .poll(async () => (await listed(via)).notices, patience)
      .toMatch(/warning: 3 of 5 machines vanished at once: units of 3 are not moved before .*\nfl/);
    expect(await placements()).toEqual(before.placed);
    const leader = await fleet.leader();
    expect(await metricOf(fleet, leader, 'fleet_engine_brake_machines')).toBe(3);
    await saysSince(fleet, leader, sinceMs, 'most machines vanished at once, moving nothing');
    const units = await fleet.fleetctl(['list-units', '--no-legend'], { via });
    expect(units.stderr).toMatch(/app@\d\.service: machine \w{8} vanished with most others/);
    const victimId = (await fleet.lab.machine(victims[0] ?? '')).id;
    const all = await fleet.fleetctl(['list-machines', '--all', '--full'], { via });
    expect(all.stdout).toMatch(new RegExp(`${victimId}.*\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z`));

    await Promise.all(victims.map((name) => healMachine(fleet.lab.context, name)));
    await expect.poll(() => listed(via), patience).toEqual({ count: 5, notices: '' });
    expect(await placements()).toEqual(before.placed);
    expect(invocations(await fleet.running())).toEqual(before.running);
  });

  it('fleetctl resume moves their units at once', async () => {
    const victims = await mostMachines(false);
    const staying = others(victims);
    const before = invocations(await fleet.running(), victims);
    const via = await vanish(victims);
    await expect.poll(async () => (await listed(via)).notices, patience).toContain('resume');
    const resumed = await fleet.fleetctl(['resume'], { via });
    expect([resumed.status, resumed.stdout]).toEqual([0, 'Resumed\n']);
    const runningHere = async (): Promise<readonly string[]> => {
      const copies = await fleet.running();
      return copies.filter(({ machine }) => staying.includes(machine)).map(({ unit }) => unit);
    };
    await expect.poll(async () => [...(await runningHere())].sort(), patience).toEqual(apps);
    expect((await listed(via)).notices).toBe('');
    expect(invocations(await fleet.running(), victims)).toMatchObject(before);
    const again = await fleet.fleetctl(['resume'], { via });
    expect([again.status, again.stdout]).toEqual([0, 'Nothing is held back\n']);
    await Promise.all(victims.map((name) => healMachine(fleet.lab.context, name)));
    await expect.poll(async () => (await fleet.running()).length, patience).toBe(apps.length);
  });
});

describe('fleetctl forget', () => {
  it('refuses a machine that is there, and forgets one that is away', async () => {
    const { id } = await fleet.lab.machine('m5');
    const early = await fleet.fleetctl(['forget', id], { via: 'm1' });
    expect([early.status, early.stderr]).toEqual([1, expect.stringContaining(`${id} is there`)]);
    await killMachine(fleet.lab.context, 'm5');
    await expect.poll(async () => (await listed('m1')).count, patience).toBe(4);
    const forgot = await fleet.fleetctl(['forget', id.slice(0, 12)], { via: 'm1' });
    expect([forgot.status, forgot.stdout]).toEqual([0, `Forgot ${id}\n`]);
    expect((await fleet.keys()).filter((key) => key.includes(id))).toEqual([]);
    await expect.poll(async () => (await fleet.running()).length, patience).toBe(apps.length);
  });
});
