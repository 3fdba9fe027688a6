import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { StoredKey } from './with-fleet.ts';
import { invocations, patience, placed, sleeper, withFleet } from './with-fleet.ts';

// Long enough that a slow computer does not make a machine miss it.
const fleet = withFleet({ agentTtl: '15s' });
const names = ['m1', 'm2', 'm3'] as const;

beforeAll(async () => {
  const apps = fleet.file('app@.service', sleeper());
  const paths = [1, 2, 3, 4, 5, 6].map((number) => apps.replace('@.', `@${number}.`));
  const everywhere = fleet.file('everywhere.service', placed('Global=true'));
  const sidekick = placed('MachineOf=app@1.service');
  const mark = "ExecStart=/bin/sh -c 'echo ran >>/var/tmp/once'";
  const once = ['[Service]', 'Type=oneshot', mark, '[X-Fleet]', 'Global=true', ''].join('\n');
  await fleet.did('start', '--wait', ...paths, everywhere);
  await fleet.did('start', '--wait', fleet.file('sidekick.service', sidekick));
  await fleet.did('start', fleet.file('once.service', once));
  await vi.waitFor(async () => {
    expect(await fleet.running()).toHaveLength(6 + 3 + 1);
    for (const name of names) {
      expect(await fleet.script(name, 'cat /var/tmp/once 2>/dev/null || true')).toBe('ran\n');
    }
  }, patience);
});

/** Everything that a restart of fleetd must leave as it is. */
async function standing(): Promise<unknown> {
  const ids = (await fleet.lab.status()).machines.map(({ id }) => id);
  const keys = await Promise.all(ids.map((id) => fleet.stored(`machines/${id}`)));
  const list = 'find /run/fleet/units /run/fleet/loaded /run/fleet/receipts -type f | sort';
  return {
    invocations: invocations(await fleet.running()),
    // Given up and made again, a key has another revision, and mostly another lease.
    machines: keys.map((key) => key && { made: key.createRevision, lease: key.lease }),
    files: await Promise.all(names.map((name) => fleet.script(name, list))),
    ran: await Promise.all(names.map((name) => fleet.script(name, 'cat /var/tmp/once'))),
  };
}

async function machineKey(name: string): Promise<StoredKey> {
  const { id } = await fleet.lab.machine(name);
  const key = await fleet.stored(`machines/${id}`);
  if (key === null) throw new Error(`${name} has left the cluster`);
  return key;
}

async function pidOf(name: string): Promise<string> {
  return (await fleet.script(name, 'systemctl show --value -p MainPID fleet.service')).trim();
}

/** Waits until systemd has started another fleetd than that, and it says that it is ready. */
async function startedAnew(name: string, before: string): Promise<void> {
  const show = 'systemctl show -p MainPID -p ActiveState --value fleet.service';
  await expect
    .poll(async () => (await fleet.script(name, show)).trim(), patience)
    .toMatch(new RegExp(`^(?!${before}\\n)[1-9]\\d*\\nactive$`));
}

/** Waits until a machine's lease is renewed: it has more time left than at an earlier look. */
async function renewed(name: string): Promise<void> {
  const { lease } = await machineKey(name);
  let least = Number.POSITIVE_INFINITY;
  await expect
    .poll(async () => {
      const left = await fleet.leaseSecondsLeft(lease ?? '0');
      const isMore = left > least;
      least = Math.min(least, left);
      return isMore;
    }, patience)
    .toBe(true);
}

/** The machine takes orders again: a unit starts there, and is taken down. */
async function worksOn(name: string): Promise<void> {
  const { id } = await fleet.lab.machine(name);
  const file = fleet.file(`probe-${name}.service`, placed(`MachineID=${id}`));
  await fleet.did('start', '--wait', file);
  await fleet.did('destroy', `probe-${name}.service`);
}

/** Names with the leader's last, so that each test meets it once as itself. */
async function leaderLast(): Promise<readonly string[]> {
  const leader = await fleet.leader();
  return [...names.filter((name) => name !== leader), leader];
}

describe('fleetd on any machine, the leader included', () => {
  it('killed with SIGKILL: no unit restarts, and the machine never leaves the cluster', async () => {
    const before = await standing();
    for (const name of await leaderLast()) {
      const pid = await pidOf(name);
      await fleet.script(name, `kill -9 ${pid}`);
      await startedAnew(name, pid);
      await worksOn(name);
    }
    await Promise.all(names.map(renewed));
    expect(await standing()).toEqual(before);
  });

  it('restarted by systemctl: the same', async () => {
    const before = await standing();
    for (const name of await leaderLast()) {
      const pid = await pidOf(name);
      await fleet.script(name, 'systemctl restart fleet');
      expect(await pidOf(name)).not.toBe(pid);
      await worksOn(name);
    }
    await Promise.all(names.map(renewed));
    expect(await standing()).toEqual(before);
  });

  it('stopped for less than its TTL: the same, and its files stay meanwhile', async () => {
    const before = await standing();
    for (const name of await leaderLast()) {
      await fleet.script(name, 'systemctl stop fleet');
      expect(await standing()).toEqual(before);
      await fleet.script(name, 'systemctl start fleet');
      await worksOn(name);
    }
    await Promise.all(names.map(renewed));
    expect(await standing()).toEqual(before);
  });

  it('killed everywhere at once: the same, and one of them leads', async () => {
    const before = await standing();
    const pids = await Promise.all(names.map(pidOf));
    await Promise.all(names.map((name, index) => fleet.script(name, `kill -9 ${pids[index]}`)));
    for (const [index, name] of names.entries()) await startedAnew(name, pids[index] ?? '');
    for (const name of names) await worksOn(name);
    await Promise.all(names.map(renewed));
    expect(await standing()).toEqual(before);
    expect(names).toContain(await fleet.leader());
  });
});

describe('fleetd killed while it starts many units', () => {
  it('leaves none behind and starts none twice', async () => {
    const mark = "ExecStart=/bin/sh -c 'echo %i >>/var/tmp/many; exec sleep infinity'";
    const template = fleet.file('many@.service', `[Service]\n${mark}\n`);
    const units = Array.from({ length: 45 }, (_none, index) => `many@${index + 1}.service`);
    const files = units.map((name) => template.replace('many@.service', name));
    await fleet.did('start', '--no-block', ...files);
    const pids: string[] = [];
    for (const name of names) {
      const started = 'ls /run/fleet/receipts | grep -c many || true';
      await expect
        .poll(async () => Number(await fleet.script(name, started)), { ...patience, interval: 5 })
        .toBeGreaterThan(0);
      const pid = await pidOf(name);
      await fleet.script(name, `kill -9 ${pid}`);
      pids.push(pid);
    }
    for (const [index, name] of names.entries()) await startedAnew(name, pids[index] ?? '');
    await fleet.did('start', '--wait', ...units);
    const copies = (await fleet.running()).map(({ unit }) => unit);
    expect(copies.filter((unit) => unit.startsWith('many@')).sort()).toEqual([...units].sort());
    const written = await Promise.all(names.map((name) => fleet.script(name, 'cat /var/tmp/many')));
    const numbers = written.join('').trim().split('\n').map(Number);
    expect(numbers.sort((a, b) => a - b)).toEqual(units.map((_unit, index) => index + 1));
  });
});
