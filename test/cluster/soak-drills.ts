import { setTimeout as pause } from 'node:timers/promises';
import { inflictFault } from '../../src/lab/faults/inflict.ts';
import { healMachine, partitionMachine } from '../../src/lab/partition.ts';
import { bootMachine, killMachine } from '../../src/lab/power.ts';
import type { Random } from '../sim/random.ts';
import type { TestFleet } from './with-fleet.ts';
import { sleeper } from './with-fleet.ts';

/** The machine whose fleetd lives through the whole soak: only there can growth be seen. */
export const witness = 'm1';
const others = ['m2', 'm3'] as const;
const all = [witness, ...others];

/** Something that happens to the cluster, and is over when its promise ends. */
export interface SoakDrill {
  readonly name: string;
  /** Returns the machine that lost its power, if one did: its units may have new invocations. */
  readonly run: (fleet: TestFleet, random: Random) => Promise<string | null>;
}

/** Around the TTL of 3 s: some of these outlast it and some do not. */
function anyPauseMs(random: Random): number {
  return random.between(500, 5_000);
}

async function withFault(
  fleet: TestFleet,
  random: Random,
  fault: { readonly name: string; readonly machines: readonly string[] },
): Promise<null> {
  const { context } = fleet.lab;
  await inflictFault(context, fault.name, fault.machines);
  await pause(anyPauseMs(random));
  for (const machine of fault.machines) await healMachine(context, machine);
  return null;
}

async function once(fleet: TestFleet, fault: string, machine: string): Promise<null> {
  await inflictFault(fleet.lab.context, fault, [machine]);
  return null;
}

/** What is drawn from, round after round. */
export const soakDrills: readonly SoakDrill[] = [
  {
    name: 'power cut',
    run: async ({ lab }, random) => {
      const victim = random.pick(others);
      await killMachine(lab.context, victim);
      await pause(anyPauseMs(random));
      await bootMachine(lab.context, victim);
      return victim;
    },
  },
  {
    name: 'partition',
    run: async ({ lab }, random) => {
      const victim = random.pick(all);
      await partitionMachine(lab.context, victim);
      await pause(anyPauseMs(random));
      await healMachine(lab.context, victim);
      return null;
    },
  },
  {
    name: 'fleetd killed',
    run: (fleet, random) => once(fleet, 'fleetd-kill', random.pick(others)),
  },
  {
    name: 'fleetd restarted',
    run: async (fleet, random) => {
      await fleet.script(random.pick(others), 'systemctl restart fleet.service');
      return null;
    },
  },
  {
    name: 'fleetd frozen',
    run: (fleet, random) =>
      withFault(fleet, random, { name: 'fleetd-frozen', machines: [random.pick(others)] }),
  },
  {
    name: 'every etcd member frozen',
    run: (fleet, random) => withFault(fleet, random, { name: 'etcd-frozen', machines: all }),
  },
  {
    name: 'one etcd member frozen',
    run: (fleet, random) =>
      withFault(fleet, random, { name: 'etcd-frozen', machines: [random.pick(all)] }),
  },
  {
    name: 'etcd killed',
    run: (fleet, random) => once(fleet, 'etcd-kill', random.pick(all)),
  },
  {
    name: 'D-Bus restarted',
    run: (fleet, random) => once(fleet, 'dbus-restart', random.pick(all)),
  },
  {
    name: 'systemd re-executed',
    run: (fleet, random) => once(fleet, 'systemd-reexec', random.pick(all)),
  },
  {
    name: 'units come and go',
    run: async (fleet, random) => {
      const template = fleet.file('visitor@.service', sleeper());
      const visitors = Array.from({ length: random.between(3, 12) }, (_, at) =>
        template.replace('@.', `@${at}.`),
      );
      const names = visitors.map((path) => path.split('/').at(-1) ?? '');
      await fleet.did('start', ...visitors);
      await fleet.did('stop', ...names.slice(0, 2));
      await fleet.did('destroy', ...names);
      return null;
    },
  },
];
