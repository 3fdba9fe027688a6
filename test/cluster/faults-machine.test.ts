import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inflictFault } from '../../src/lab/faults/inflict.ts';
import { healMachine } from '../../src/lab/partition.ts';
import { upgradeMachine } from '../../src/lab/upgrade.ts';
import {
  journalSince,
  metricOf,
  metricSum,
  saysSince,
  seesNothing,
  unitRows,
} from './fault-sights.ts';
import { type FaultCase, harmless, settledMs } from './fault-story.ts';
import { probeOf, startMixedUnits } from './mixed-units.ts';
import { patience, withFleet } from './with-fleet.ts';

const machines = ['m1', 'm2', 'm3'] as const;
const ttlMs = 3000;
const fleet = withFleet({ agentTtl: '3s' });
const { context } = fleet.lab;

const inflict = (fault: string, ...names: readonly string[]) => inflictFault(context, fault, names);
const heal = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await healMachine(context, name);
};
const healed = async (): Promise<void> => undefined;

/** Which process is fleetd; another one after each start. */
async function pidOf(name: string): Promise<string> {
  return (await fleet.script(name, 'systemctl show -P MainPID fleet.service')).trim();
}

/** When that fleetd started, seconds since 1970, as its metric says. */
function startOf(name: string): Promise<number> {
  return metricOf(fleet, name, 'process_start_time_seconds');
}

/** What `date` says to a program that is told the time as fleetd is, less the true time. */
async function clockOffset(name: string): Promise<number> {
  const script = `pid=$(systemctl show -P MainPID fleet.service)
    told=$(env $(tr '\\0' '\\n' </proc/$pid/environ | grep -E '^(LD_PRELOAD|FAKETIME_T|DONT)') date +%s)
    echo $((told - $(date +%s)))`;
  return Number(await fleet.script(name, script));
}

// Faults of different machines do not disturb each other: they strike at the same time.
let pids: readonly string[] = [];
let sinceMs = 0;
const cases: readonly FaultCase[] = [
  {
    name: 'fleetd killed on m1, out of memory on m2, and D-Bus restarted on m3',
    inflict: async () => {
      sinceMs = Date.now();
      pids = await Promise.all(machines.map(pidOf));
      await inflict('dbus-restart', 'm3');
      await inflict('fleetd-oom', 'm2');
      await inflict('fleetd-kill', 'm1');
    },
    lastsMs: 0,
    seen: async () => {
      for (const name of ['m1', 'm2']) {
        const journal = (): Promise<string> => journalSince(fleet, name, 'fleet.service', sinceMs);
        await expect.poll(journal, patience).toMatch(/code=killed, status=9\/KILL/);
        await saysSince(fleet, name, sinceMs, '"message":"started"');
        const restarts = await fleet.script(name, 'systemctl show -P NRestarts fleet.service');
        expect(Number(restarts)).toBeGreaterThan(0);
        expect(await startOf(name)).toBeGreaterThan(sinceMs / 1000 - 2);
      }
      await saysSince(fleet, 'm3', sinceMs, 'lost systemd, leaving units as they are');
      await saysSince(fleet, 'm3', sinceMs, 'connected to systemd again');
      await seesNothing(fleet, machines);
    },
    heal: healed,
    after: async () => {
      const now = await Promise.all(machines.map(pidOf));
      expect(now.map((pid, index) => pid === pids[index])).toEqual([false, false, true]);
    },
  },
  {
    name: 'systemd re-executed on m1, fleetd upgraded on m2 and stopped for 1 s on m3',
    inflict: async () => {
      sinceMs = Date.now();
      pids = await Promise.all(machines.map(pidOf));
      await inflict('systemd-reexec', 'm1');
      await inflict('fleetd-frozen', 'm3');
    },
    lastsMs: ttlMs / 3,
    heal: async () => {
      await heal('m3');
      await upgradeMachine(context, 'm2');
    },
    after: async () => {
      await saysSince(fleet, 'm2', sinceMs, /"message":"stopped"(.|\n)*"message":"started"/);
      expect(await startOf('m2')).toBeGreaterThan(sinceMs / 1000 - 2);
      const manager = `journalctl _PID=1 -o cat --no-pager --since @${Math.floor(sinceMs / 1000)}`;
      expect(await fleet.script('m1', manager)).toMatch(/Reexecuting/);
      await seesNothing(fleet, machines);
      const now = await Promise.all(machines.map(pidOf));
      expect(now.map((pid, index) => pid === pids[index])).toEqual([true, false, true]);
    },
  },
  {
    name: 'the clock of m1 an hour ahead, that of m2 an hour back',
    inflict: async () => {
      await inflict('clock-forward', 'm1');
      await inflict('clock-back', 'm2');
    },
    lastsMs: 1.5 * ttlMs,
    seen: async () => {
      // The offset is a whole number of seconds, unless a second ends in between.
      expect(Math.abs((await clockOffset('m1')) - 3600)).toBeLessThan(2);
      expect(Math.abs((await clockOffset('m2')) + 3600)).toBeLessThan(2);
      await seesNothing(fleet, machines);
    },
    heal: () => heal('m1', 'm2'),
  },
  {
    name: 'all processors of m3 at work',
    inflict: () => inflict('cpu-load', 'm3'),
    lastsMs: 2 * ttlMs,
    seen: async () => {
      const load = await fleet.script('m3', 'systemctl is-active fleetlab-cpu-load.service');
      expect(load).toBe('active\n');
      await seesNothing(fleet, machines);
    },
    heal: () => heal('m3'),
  },
  {
    name: '/run of m2 full while a unit is to be started there',
    inflict: async () => {
      sinceMs = Date.now();
      await inflict('run-full', 'm2');
      await fleet.did('start', '--no-block', probeOf('m2'));
    },
    lastsMs: 0,
    seen: async () => {
      await saysSince(fleet, 'm2', sinceMs, /no space left.*task failed, trying again/i);
      const failures = (): Promise<number> =>
        metricSum(fleet, 'm2', 'fleet_agent_task_failures_total');
      await expect.poll(failures, patience).toBeGreaterThan(0);
      const note = async (): Promise<string | undefined> => {
        const rows = await unitRows(fleet, 'm1', 'unit,active,note');
        return rows.find((row) => row.startsWith(probeOf('m2')));
      };
      await expect.poll(note, patience).toMatch(/no space left/i);
      await seesNothing(fleet, machines);
    },
    heal: () => heal('m2'),
  },
];

beforeAll(() => startMixedUnits(fleet, machines));
afterAll(() => {
  process.stdout.write(`settled after ms: ${JSON.stringify([...settledMs])}\n`);
});

describe('a fault of a machine or its fleetd moves, stops and restarts no unit:', () => {
  for (const fault of cases) it(fault.name, () => harmless(fleet, machines, fault));

  it('and one that is restarted by somebody is noticed', async () => {
    const [victim = ''] = await fleet.placesOf('app@1.service');
    const meddling: FaultCase = {
      name: 'an administrator restarts a unit',
      inflict: () => fleet.script(victim, 'systemctl restart app@1.service'),
      lastsMs: 0,
      heal: healed,
    };
    await expect(harmless(fleet, machines, meddling)).rejects.toThrow('while it lasts');
  });
});
