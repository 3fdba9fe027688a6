import { describe, expect, it } from 'vitest';
import { patience, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet();

/** What etcd holds. The last link of a machine's reports goes with its lease, not with a unit. */
async function keys(): Promise<readonly string[]> {
  return (await fleet.keys()).filter((key) => !/^chain\/[0-9a-f]{32}$/.test(key));
}

const count = 100;
const units = Array.from({ length: count }, (_none, index) => `hundred@${index + 1}.service`);

/**
 * All that a machine has of our units, as systemd and the disk say. The slice that systemd makes for
 * the instances of a template is its own, and stays.
 */
function tracesOn(machine: string): Promise<string> {
  return fleet.script(
    machine,
    `systemctl list-units --all --plain --no-legend | grep '@' | grep hundred || true
     find /run/systemd -name '*hundred*'
     find /run/fleet/units /run/fleet/loaded /run/fleet/receipts -mindepth 1
     pgrep -ax sleep || true`,
  );
}

describe('a hundred instances of a template', () => {
  it('all become active, spread evenly, and leave nothing when they are destroyed', async () => {
    await fleet.did('submit', fleet.file('hundred@.service', sleeper()));
    const before = await keys();
    const printed = await fleet.did('start', '--wait', ...units);
    expect(printed.match(/^Unit hundred@\d+\.service active on /gm)).toHaveLength(count);
    const copies = await fleet.running();
    expect(copies.map(({ unit }) => unit).sort()).toEqual([...units].sort());
    const shares = ['m1', 'm2', 'm3'].map(
      (name) => copies.filter(({ machine }) => machine === name).length,
    );
    expect(shares.sort()).toEqual([33, 33, 34]);
    for (const name of ['m1', 'm2', 'm3']) expect(await tracesOn(name)).not.toBe('');

    const destroyed = await fleet.did('destroy', ...units);
    expect(destroyed.match(/^Destroyed hundred@\d+\.service$/gm)).toHaveLength(count);
    for (const name of ['m1', 'm2', 'm3']) {
      await expect.poll(() => tracesOn(name), patience).toBe('');
    }
    await expect.poll(keys, patience).toEqual(before);
    expect(await fleet.did('list-units', '--no-legend')).toBe('');
  });

  it('leave in etcd what belongs there and nothing else', async () => {
    await fleet.did('destroy', 'hundred@.service');
    const ids = (await fleet.lab.status()).machines.map(({ id }) => id);
    const perMachine = ids.flatMap((id) => [`machines/${id}`, `members/${id}`]);
    const wanted = [...perMachine, 'cluster', 'engine/leader', 'engine/seq'].sort();
    await expect.poll(keys, patience).toEqual(wanted);
  });
});
