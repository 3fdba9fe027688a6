import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cloneMachine, copyMachine, removeMachine, restoreMachine } from '../../src/lab/copies.ts';
import { etcdLeader } from '../../src/lab/etcd-leader.ts';
import { inflictFault } from '../../src/lab/faults/inflict.ts';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { bootMachine, poweroffMachine } from '../../src/lab/power.ts';
import { type Cut, readLab } from '../../src/lab/record.ts';
import {
  type FaultCase,
  harmless,
  saysSince,
  settledMs,
  type Vanishing,
  vanishing,
} from './fault-story.ts';
import { startMixedUnits } from './mixed-units.ts';
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

/** The two are no longer listed, and each of them says that it leaves its units alone. */
async function seenAsGone(...speakers: readonly string[]): Promise<void> {
  const listed = await fleet.fleetctl(['list-machines', '--no-legend', '--full'], { via: 'm1' });
  expect(listed.stdout.trim().split('\n')).toHaveLength(3);
  for (const name of speakers) {
    await saysSince(fleet, name, sinceMs, /lease (not renewed|lost), leaving units as they are/);
  }
}

const vanishings: readonly Vanishing[] = [
  {
    name: 'm4 cut off from etcd, m5 from everything with connections refused',
    victims: ['m4', 'm5'],
    isAlive: true,
    inflict: async () => {
      sinceMs = Date.now();
      await cut('m4', { from: 'etcd' });
      await cut('m5', { isRefused: true });
    },
    seen: () => seenAsGone('m4', 'm5'),
    heal: () => heal('m4', 'm5'),
  },
  {
    name: 'm4 hears nothing, m5 is not heard',
    victims: ['m4', 'm5'],
    isAlive: true,
    inflict: async () => {
      sinceMs = Date.now();
      await cut('m4', { direction: 'in' });
      await cut('m5', { direction: 'out' });
    },
    seen: () => seenAsGone('m4', 'm5'),
    heal: () => heal('m4', 'm5'),
  },
  {
    name: 'fleetd stopped on m4, and down on m5',
    victims: ['m4', 'm5'],
    isAlive: true,
    inflict: async () => {
      await inflict('fleetd-frozen', 'm4');
      await inflict('fleetd-down', 'm5');
    },
    seen: () => seenAsGone(),
    heal: () => heal('m4', 'm5'),
  },
  {
    name: 'm5 restored from an older copy of its disk',
    victims: ['m5'],
    isAlive: false,
    inflict: async () => {
      await poweroffMachine(context, 'm5');
      await restoreMachine(context, 'm5');
    },
    heal: () => bootMachine(context, 'm5'),
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
    heal: () => heal(member, 'm4'),
    // A member that returns must not call an election: writes would hang for a second.
    after: async () => expect(await memberInLead()).toBe(led),
  },
  {
    name: 'a clone of m4, with its machine-id',
    inflict: async () => {
      const clone = await cloneMachine(context, 'm4');
      const show = 'systemctl show -P ActiveState -P ExecMainStatus fleet.service';
      await expect.poll(() => fleet.script(clone, show), patience).toBe('78\nfailed\n');
      await removeMachine(context, clone);
    },
    lastsMs: 0,
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
