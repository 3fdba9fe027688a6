import { beforeAll, describe, expect, it } from 'vitest';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import { appsOn, names, startUnits, unitsRunning, whole } from './movable-units.ts';
import type { TestFleet } from './with-fleet.ts';
import { invocations, patience, withFleet } from './with-fleet.ts';

async function listedMachines(fleet: TestFleet, via: string): Promise<readonly string[]> {
  const answer = await fleet.fleetctl(['list-machines', '--no-legend', '--fields', 'ip'], { via });
  return answer.stdout.split('\n').filter(Boolean).sort();
}

describe('a power cut', () => {
  const fleet = withFleet();
  beforeAll(() => startUnits(fleet));

  async function survives(victim: string): Promise<void> {
    const others = names.filter((name) => name !== victim);
    const before = invocations(await fleet.running(), [victim]);
    expect(await appsOn(fleet, victim)).not.toEqual([]);
    await killMachine(fleet.lab.context, victim);
    await expect.poll(() => unitsRunning(fleet), patience).toEqual(whole(others));
    expect(invocations(await fleet.running())).toMatchObject(before);
    for (const via of others) expect(await listedMachines(fleet, via)).toHaveLength(2);
    // Nobody else may have it: it stays with its machine, and the cluster says so.
    const { id } = await fleet.lab.machine(victim);
    const placement = await fleet.stored(`placement/pinned-${victim}.service`);
    expect(JSON.parse(placement?.value ?? '{}')).toMatchObject({ machine: id });
  }

  async function returns(victim: string): Promise<void> {
    const before = invocations(await fleet.running());
    await bootMachine(fleet.lab.context, victim);
    await expect.poll(() => unitsRunning(fleet), patience).toEqual(whole(names));
    expect(invocations(await fleet.running(), [victim])).toEqual(before);
    expect(await fleet.placesOf(`pinned-${victim}.service`)).toEqual([victim]);
    expect(await appsOn(fleet, victim)).toEqual([]);
    expect(await listedMachines(fleet, victim)).toHaveLength(3);
    // The orders of its former life are carried out or withdrawn, none is left over.
    const { id } = await fleet.lab.machine(victim);
    const own = [`everywhere.service`, `pinned-${victim}.service`];
    await expect
      .poll(
        async () => (await fleet.keys()).filter((key) => key.startsWith(`work/${id}/`)),
        patience,
      )
      .toEqual(own.map((unit) => `work/${id}/${unit}`));
  }

  it('of a machine that does not lead moves its units, and no other restarts', async () => {
    const leader = await fleet.leader();
    const victim = names.find((name) => name !== leader) ?? '';
    await survives(victim);
    expect(await fleet.leader()).toBe(leader);
    await returns(victim);
  });

  it('of the leader does so too, and another machine leads', async () => {
    const victim = await fleet.leader();
    await survives(victim);
    const leader = await fleet.leader();
    expect(leader).not.toBe(victim);
    await returns(victim);
    expect(await fleet.leader()).toBe(leader);
  });
});
