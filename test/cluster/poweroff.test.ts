import { beforeAll, describe, expect, it } from 'vitest';
import type { StoreEvent, StoreWatch } from '../../src/lab/drill/store-watch.ts';
import { watchStore } from '../../src/lab/drill/store-watch.ts';
import { bootMachine, poweroffMachine } from '../../src/lab/power.ts';
import type { MachineStatus } from '../../src/lab/status.ts';
import { listedBy, metricOf } from './fault-sights.ts';
import { appsOn, names, startUnits, unitsRunning, whole } from './movable-units.ts';
import { invocations, patience, withFleet } from './with-fleet.ts';

describe('a clean shutdown', () => {
  // So long that no lease can run out here: what happens, happens because it was given back.
  const ttlMs = 30 * 60_000;
  const fleet = withFleet({ agentTtl: `${ttlMs / 60_000}m` });
  beforeAll(() => startUnits(fleet));

  async function watched(others: readonly MachineStatus[]): Promise<StoreWatch> {
    return watchStore(others.map(({ address }) => `http://${address}:2379`).join(','));
  }

  async function shutDown(victim: string): Promise<void> {
    const others = names.filter((name) => name !== victim);
    const { id } = await fleet.lab.machine(victim);
    const lease = (await fleet.stored(`machines/${id}`))?.lease ?? '';
    expect(await fleet.leaseSecondsLeft(lease)).toBeGreaterThan(0);
    const movers = await appsOn(fleet, victim);
    expect(movers).not.toEqual([]);
    const before = invocations(await fleet.running(), [victim]);
    const up = (await fleet.upMachines()).filter(({ name }) => name !== victim);
    const watch = await watched(up);
    const startMs = performance.now();
    try {
      await poweroffMachine(fleet.lab.context, victim);
      const isLeft = (event: StoreEvent): boolean =>
        event.key === `machines/${id}` && event.value === null;
      expect(await watch.until(isLeft, patience.timeout)).not.toBeNull();
      await expect.poll(() => unitsRunning(fleet), patience).toEqual(whole(others));
    } finally {
      watch.stop();
    }
    expect(performance.now() - startMs).toBeLessThan(ttlMs / 2);
    expect(await fleet.leaseSecondsLeft(lease)).toBe(-1);
    expect(invocations(await fleet.running())).toMatchObject(before);
    const [via = ''] = others;
    const all = await fleet.fleetctl(['list-machines', '--all', '--full'], { via });
    expect(all.stdout).toMatch(new RegExp(`${id}.*\\dZ \\(left\\)`));
    expect((await listedBy(fleet, via)).machines).toEqual(others);
    const leader = await fleet.leader();
    expect(await metricOf(fleet, leader, 'fleet_engine_machines')).toBe(others.length);
    await bootMachine(fleet.lab.context, victim);
    const journal = 'journalctl -u fleet -o cat --no-pager --boot=-1';
    expect(await fleet.script(victim, journal)).toContain(
      'machine shuts down, leaving the cluster',
    );
    await expect.poll(() => unitsRunning(fleet), patience).toEqual(whole(names));
    expect(invocations(await fleet.running(), [victim])).toMatchObject(before);
    for (const unit of movers) {
      const [place = ''] = await fleet.placesOf(unit);
      const [stopped, started] = await Promise.all([
        fleet.script(victim, `cat /var/tmp/${unit}.stopped`),
        fleet.script(place, `cat /var/tmp/${unit}.started`),
      ]);
      expect(BigInt(stopped)).toBeLessThan(BigInt(started));
    }
  }

  it('stops the units there, then starts them elsewhere, without waiting for a TTL', async () => {
    const leader = await fleet.leader();
    await shutDown(names.find((name) => name !== leader) ?? '');
  });

  it('does so too when the machine leads', async () => {
    const victim = await fleet.leader();
    await shutDown(victim);
    expect(await fleet.leader()).not.toBe(victim);
  });
});
