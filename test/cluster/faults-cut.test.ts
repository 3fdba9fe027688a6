import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloneMachine, copyMachine, removeMachine, restoreMachine } from '../../src/lab/copies.ts';
import { etcdLeader } from '../../src/lab/etcd-leader.ts';
import { inflictFault } from '../../src/lab/faults/inflict.ts';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { bootMachine, killMachine, poweroffMachine } from '../../src/lab/power.ts';
import { type Cut, readLab } from '../../src/lab/record.ts';
import {
  goesOnAlone,
  listedBy,
  loggedSince,
  metricOf,
  saysSince,
  seesNothing,
  unitRows,
  unitsActive,
} from './fault-sights.ts';
import { type FaultCase, harmless, settledMs, type Vanishing, vanishing } from './fault-story.ts';
import { startMixedUnits, stopsAlone, whole } from './mixed-units.ts';
import { patience, withFleet } from './with-fleet.ts';

const machines = ['m1', 'm2', 'm3', 'm4', 'm5'] as const;
const ttlMs = 3000;
// m1 to m3 have the members of etcd, so that the loss of m4 and m5 is no loss of the quorum.
const fleet = withFleet({ agentTtl: '3s', machineCount: 5 });
const { context } = fleet.lab;

const cut = (name: string, some: Partial<Cut>): Promise<void> =>
  partitionMachine(context, name, { from: 'all', direction: 'both', isRefused: false, ...some });
const inflict = (fault: string, ...names: readonly string[]) => inflictFault(context, fault, names);
const heal = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await healMachine(context, name);
};

let sinceMs = 0;

const staying = ['m1', 'm2', 'm3'] as const;

/**
 * The two are listed by `--all` only, with the time at which they vanished; the units are shown where
 * they run by now, and the leader counts three machines. `alone` say that they go on by themselves.
 */
async function seenAsGone(...alone: readonly string[]): Promise<void> {
  for (const via of staying) {
    await expect
      .poll(() => listedBy(fleet, via), patience)
      .toEqual({ machines: [...staying], notices: '' });
    const kept = async (): Promise<readonly string[]> =>
      (await unitsActive(fleet, via)).filter((unit) => !stopsAlone(unit));
    await expect.poll(kept, patience).toEqual(whole(staying).filter((unit) => !stopsAlone(unit)));
  }
  const all = await fleet.fleetctl(['list-machines', '--all', '--full'], { via: 'm1' });
  for (const name of ['m4', 'm5']) {
    const { id } = await fleet.lab.machine(name);
    expect(all.stdout).toMatch(new RegExp(`${id}.*\\d{4}-\\d\\d-\\d\\dT[\\d:]{8}Z`));
  }
  const leader = await fleet.leader();
  expect(await metricOf(fleet, leader, 'fleet_engine_machines')).toBe(staying.length);
  expect(await metricOf(fleet, leader, 'fleet_engine_brake_machines')).toBe(0);
  for (const name of alone) await goesOnAlone(fleet, name, sinceMs);
}

/** Units with `OnPartition=stop` that could run elsewhere wait, and say for how long. */
async function holdsShown(): Promise<void> {
  const rows = await unitRows(fleet, 'm1', 'unit,active,sub');
  const soles = rows.filter((row) => row.startsWith('sole@'));
  const waiting = soles.filter((row) => !row.endsWith('\tactive\trunning'));
  for (const row of waiting) expect(row).toMatch(/\tinactive\thold-[1-9]s$/);
}

const vanishings: readonly Vanishing[] = [
  {
    name: 'm4 cut off from etcd, m5 from everything with connections refused',
    victims: ['m4', 'm5'],
    living: ['m4', 'm5'],
    isLong: true,
    inflict: async () => {
      sinceMs = Date.now();
      await cut('m4', { from: 'etcd' });
      await cut('m5', { isRefused: true });
    },
    seen: async () => {
      await holdsShown();
      await seenAsGone('m4', 'm5');
    },
    heal: () => heal('m4', 'm5'),
    after: () => seesNothing(fleet, machines),
  },
  {
    name: 'm4 hears nothing, m5 is not heard',
    victims: ['m4', 'm5'],
    living: ['m4', 'm5'],
    inflict: async () => {
      sinceMs = Date.now();
      await cut('m4', { direction: 'in' });
      await cut('m5', { direction: 'out' });
    },
    seen: () => seenAsGone('m4', 'm5'),
    heal: () => heal('m4', 'm5'),
    after: () => seesNothing(fleet, machines),
  },
  {
    name: 'fleetd stopped on m4, and down on m5',
    victims: ['m4', 'm5'],
    living: ['m4', 'm5'],
    inflict: async () => {
      await inflict('fleetd-frozen', 'm4');
      await inflict('fleetd-down', 'm5');
    },
    seen: async () => {
      await seenAsGone();
      const asked = await fleet.fleetctl(['list-machines'], { via: 'm5' });
      expect([asked.status, asked.stdout]).toEqual([1, '']);
    },
    heal: () => heal('m4', 'm5'),
    after: () => seesNothing(fleet, machines),
  },
  {
    name: 'm4 not heard while the power of m5 is cut, which returns with an older copy of its disk',
    victims: ['m4', 'm5'],
    living: ['m4'],
    inflict: async () => {
      sinceMs = Date.now();
      await killMachine(context, 'm5');
      await cut('m4', { direction: 'out' });
    },
    seen: async () => {
      await seenAsGone('m4');
      await restoreMachine(context, 'm5');
      sinceMs = Date.now();
    },
    heal: async () => {
      await bootMachine(context, 'm5');
      await heal('m4');
    },
    after: async () => {
      await saysSince(fleet, 'm5', sinceMs, 'joined the cluster');
      await seesNothing(fleet, machines);
    },
  },
];

/** The machine whose member of etcd leads. */
async function memberInLead(): Promise<string> {
  let name: string | undefined;
  const ask = async (): Promise<string | undefined> => {
    name = (await etcdLeader(readLab(context.lab)))?.name;
    return name;
  };
  await expect.poll(ask, patience).toBeDefined();
  return name ?? '';
}

let led = '';
let member = '';
/** The record that says who m4 is: written once, its revision and its lease stay. */
const recordOfFirst = async (): Promise<unknown> => {
  const { id } = await fleet.lab.machine('m4');
  return fleet.stored(`machines/${id}`);
};

/** A clone of m4 boots: it is refused, and says who is there already. */
async function cloneRefused(): Promise<void> {
  sinceMs = Date.now();
  const before = await recordOfFirst();
  const clone = await cloneMachine(context, 'm4');
  const show = 'systemctl show -P ActiveState -P ExecMainStatus fleet.service';
  await expect.poll(() => fleet.script(clone, show), patience).toBe('78\nfailed\n');
  const said = await loggedSince(fleet, clone, sinceMs);
  expect(said).toContain('refused: another living machine has this machine-id');
  const [own, first] = [await fleet.lab.machine(clone), await fleet.lab.machine('m4')];
  expect(said).toContain(`"ourAddress":"${own.address}","otherAddress":"${first.address}"`);
  expect(said).toContain(first.id);
  expect(await fleet.script(clone, 'ls /run/fleet/units 2>/dev/null || true')).toBe('');
  await removeMachine(context, clone);
  expect(await recordOfFirst()).toEqual(before);
  expect(await loggedSince(fleet, 'm4', sinceMs)).not.toMatch(/lease|refused|joined/);
}

const harmlessOnes: readonly FaultCase[] = [
  {
    name: 'a member of etcd and m4 cut off from all machines, but not from etcd; m5 for a moment',
    inflict: async () => {
      led = await memberInLead();
      member = led === 'm3' ? 'm2' : 'm3';
      await cut(member, { from: 'machines' });
      await cut('m4', { from: 'machines', isRefused: true });
      await cut('m5', {});
      await sleep(ttlMs / 6);
      await heal('m5');
    },
    lastsMs: 1.5 * ttlMs,
    seen: async () => {
      const { address } = await fleet.lab.machine('m4');
      const ask = `curl -sS -m 2 http://${address}:49153/fleet/v1/machines 2>&1 || true`;
      expect(await fleet.script('m1', ask)).toMatch(/refused|reset|Failed to connect/i);
      await seesNothing(fleet, machines);
    },
    heal: () => heal(member, 'm4'),
    // A member that returns must not call an election: writes would hang for a second.
    after: async () => expect(await memberInLead()).toBe(led),
  },
  {
    name: 'a clone of m4, with its machine-id',
    inflict: cloneRefused,
    lastsMs: 0,
    seen: () => seesNothing(fleet, machines),
    heal: async () => undefined,
  },
];

beforeAll(async () => {
  await poweroffMachine(context, 'm5');
  await copyMachine(context, 'm5');
  await bootMachine(context, 'm5');
  await startMixedUnits(fleet, machines);
});
afterAll(() => {
  process.stdout.write(`settled after ms: ${JSON.stringify([...settledMs])}\n`);
});

describe('a machine cut off for longer than the TTL keeps its copies until others run:', () => {
  for (const fault of vanishings) it(fault.name, () => vanishing(fleet, machines, fault));
});

describe('what leaves the lease alone moves, stops and restarts no unit:', () => {
  for (const fault of harmlessOnes) it(fault.name, () => harmless(fleet, machines, fault));
});
