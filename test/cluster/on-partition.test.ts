import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { patience, withFleet } from './with-fleet.ts';
import { longestSilenceS, overlaps, type Run, runsOf, writer } from './writers.ts';

const fleet = withFleet({ agentTtl: '3s', etcd: 'shared' });
const names = ['m1', 'm2', 'm3'] as const;
const only = 'only.service';
/** The shortest there is: four fifths of this TTL are less. */
const deadlineS = 5;
/** The deadline, 5 × TimeoutStopSec=1, and a second. */
const holdS = deadlineS + 5 + 1;

beforeAll(async () => {
  const texts = { only: ['OnPartition=stop'], kept: [], other: ['OnPartition=stop'] };
  const files = Object.entries(texts).map(([name, lines]) =>
    fleet.file(`${name}.service`, writer(['TimeoutStopSec=1'], lines)),
  );
  await fleet.did('start', '--wait', ...files);
});

function runs(unit: string): readonly Run[] {
  return runsOf(fleet.lab.context.lab, names, unit);
}

/** Seconds since this computer booted, as every machine on it counts them. */
function nowS(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]);
}

async function placeOf(unit: string): Promise<string> {
  await expect.poll(() => fleet.placesOf(unit), patience).toHaveLength(1);
  return (await fleet.placesOf(unit))[0] ?? '';
}

async function invocationOf(machine: string, unit: string): Promise<string> {
  return await fleet.script(machine, `systemctl show --value -p InvocationID ${unit}`);
}

/** When a fault began and was there for certain. */
interface Fault {
  readonly beganS: number;
  readonly wasThereS: number;
}

async function strikes(fault: () => Promise<unknown>): Promise<Fault> {
  const beganS = nowS();
  await fault();
  return { beganS, wasThereS: nowS() };
}

/** Waits until another machine runs it, and checks who ended when. */
async function movedFrom(victim: string, fault: Fault, before: number): Promise<void> {
  await expect.poll(() => runs(only).length, patience).toBeGreaterThan(before);
  const [old, fresh] = runs(only).slice(before - 1);
  expect(old?.machine).toBe(victim);
  expect(fresh?.machine).not.toBe(victim);
  // The last renewal before the fault was up to a third of the TTL old.
  const deadS = old?.lastS ?? 0;
  expect(deadS - fault.beganS).toBeGreaterThan(deadlineS - 1 - 0.5);
  expect(deadS - fault.wasThereS).toBeLessThan(deadlineS + 0.5);
  expect((fresh?.firstS ?? 0) - deadS).toBeGreaterThan(holdS - deadlineS);
  expect(overlaps(runs(only))).toEqual([]);
}

/** The machine belongs to the cluster again and holds nothing that it should not. */
async function clean(machine: string): Promise<void> {
  const { id } = await fleet.lab.machine(machine);
  const left = `work/${id}/${only}`;
  await expect.poll(async () => (await fleet.keys()).includes(left), patience).toBe(false);
  expect(await fleet.placesOf(only)).not.toContain(machine);
}

describe('a unit with OnPartition=stop', () => {
  it('is ended by PID 1 of a machine that is cut off, and starts elsewhere after its hold', async () => {
    const victim = await placeOf(only);
    const before = runs(only).length;
    const fault = await strikes(() => partitionMachine(fleet.lab.context, victim));
    const via = names.find((name) => name !== victim) ?? '';
    const listed = async (): Promise<string> =>
      (await fleet.fleetctl(['list-units', '--fields', 'unit,active,sub'], { via })).stdout;
    await expect.poll(listed, patience).toMatch(/only\.service\s+inactive\s+hold-[1-9]\d?s/);
    const placement = await fleet.stored(`placement/${only}`);
    expect(placement?.value).toContain('waits for the hold of 11 s');
    await expect.poll(() => fleet.placesOf(only), patience).toEqual([]);
    expect(await fleet.script(victim, `systemctl start ${only}; cat /run/fleet/isolated`)).toBe('');
    expect(await fleet.script(victim, `systemctl is-active ${only} || true`)).toBe('inactive\n');
    await movedFrom(victim, fault, before);
    await healMachine(fleet.lab.context, victim);
    await clean(victim);
  });

  it('is ended so when fleetd is dead, and when it hangs', async () => {
    const faults = [
      ['KILL', 'systemctl start fleet'],
      ['STOP', 'systemctl kill -s CONT fleet'],
    ] as const;
    for (const [signal, end] of faults) {
      const victim = await placeOf(only);
      const dropIn = '/run/systemd/system/fleet.service.d';
      const stay = `mkdir -p ${dropIn}; printf '[Service]\\nRestart=no\\n' >${dropIn}/stay.conf`;
      await fleet.script(victim, `${stay}; systemctl daemon-reload`);
      const before = runs(only).length;
      const kill = `systemctl kill -s ${signal} --kill-who=main fleet`;
      const fault = await strikes(() => fleet.script(victim, kill));
      await movedFrom(victim, fault, before);
      await fleet.script(victim, `rm ${dropIn}/stay.conf; systemctl daemon-reload; ${end}`);
      await clean(victim);
    }
  });

  it('is not restarted by anything that fleetd goes through within the deadline', async () => {
    const machine = await placeOf(only);
    const before = await invocationOf(machine, only);
    const pid = 'systemctl show --value -p MainPID fleet';
    for (const script of [
      `kill -9 $(${pid})`,
      'systemctl restart fleet',
      'systemctl stop fleet; systemctl start fleet',
      `kill -STOP $(${pid}); sleep 0.7; kill -CONT $(${pid})`,
      'systemctl daemon-reload; systemctl daemon-reexec',
      'systemctl kill -s TERM fleet-deadline', // as killall sleep does it
    ]) {
      await fleet.script(machine, script);
      await pause(1_000 * deadlineS + 300); // for the deadline to pass, should nobody have put it off
      expect(await invocationOf(machine, only), script).toBe(before);
    }
  });

  it('runs on where it was when the cluster is back before its hold has passed', async () => {
    const machine = await placeOf(only);
    const before = runs(only).length;
    await partitionMachine(fleet.lab.context, machine);
    await expect.poll(() => fleet.placesOf(only), patience).toEqual([]);
    await healMachine(fleet.lab.context, machine);
    await expect.poll(() => runs(only).length, patience).toBe(before + 1);
    expect(runs(only).at(-1)?.machine).toBe(machine);
    expect(overlaps(runs(only))).toEqual([]);
  });

  it('stops when every machine is cut off from etcd, and a unit without it does not', async () => {
    const kept = runs('kept.service').length;
    for (const name of names) await partitionMachine(fleet.lab.context, name);
    await expect.poll(() => fleet.placesOf(only), patience).toEqual([]);
    await expect.poll(() => fleet.placesOf('other.service'), patience).toEqual([]);
    for (const name of names) await healMachine(fleet.lab.context, name);
    await placeOf(only);
    await placeOf('other.service');
    expect(overlaps([...runs(only)])).toEqual([]);
    expect(overlaps([...runs('other.service')])).toEqual([]);
    expect(runs('kept.service').at(kept - 1)?.lastS ?? 0).toBeGreaterThan(nowS() - 5);
  });

  it('leaves no guard on a machine once none of its kind is there', async () => {
    const files = '/run/systemd/system/fleet-deadline.service /run/fleet/isolated';
    await fleet.did('destroy', only, 'other.service');
    for (const name of names) {
      const look = `ls ${files} 2>/dev/null || true; systemctl is-active fleet-deadline || true`;
      await expect.poll(() => fleet.script(name, look), patience).toBe('inactive\n');
    }
  });
});

it('a unit without it always has a copy, and the surplus one stays until the new one is up', async () => {
  const victim = await placeOf('kept.service');
  const fromS = nowS();
  await partitionMachine(fleet.lab.context, victim);
  await expect.poll(() => fleet.placesOf('kept.service'), patience).toHaveLength(2);
  await healMachine(fleet.lab.context, victim);
  await vi.waitFor(async () => {
    expect(await fleet.placesOf('kept.service')).toHaveLength(1);
  }, patience);
  expect(await fleet.placesOf('kept.service')).not.toContain(victim);
  const old = runs('kept.service')
    .filter(({ machine }) => machine === victim)
    .at(-1);
  const fresh = runs('kept.service').at(-1);
  expect(old?.lastS ?? 0).toBeGreaterThan(fresh?.firstS ?? 0);
  expect(longestSilenceS(runs('kept.service'), fromS, nowS())).toBeLessThan(0.5);
});
