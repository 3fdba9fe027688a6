import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { etcdLeader, killEtcdLeaders } from '../../src/lab/etcd-leader.ts';
import { inflictFault } from '../../src/lab/faults/inflict.ts';
import { healMachine } from '../../src/lab/partition.ts';
import { readLab } from '../../src/lab/record.ts';
import { type FaultCase, harmless, loggedSince, settledMs } from './fault-story.ts';
import { startMixedUnits } from './mixed-units.ts';
import { patience, withFleet } from './with-fleet.ts';

const machines = ['m1', 'm2', 'm3'] as const;
const ttlMs = 3000;
const fleet = withFleet({ agentTtl: '3s', diskSize: '768M' });
const { context } = fleet.lab;

const inflict = (fault: string, ...names: readonly string[]) => inflictFault(context, fault, names);
const heal = async (...names: readonly string[]): Promise<void> => {
  for (const name of names) await healMachine(context, name);
};

/** What a member says of itself; nothing when it does not answer. */
const healthOf = (name: string): Promise<string> =>
  fleet.script(name, 'curl -s -m 1 http://127.0.0.1:2379/health || true');

/** Longer than the TTL, so that every lease had the time to run out. */
const outageMs = 1.5 * ttlMs;

/** One member of three is no loss: fleetd beside it goes to another, and keeps its lease. */
function memberCases(fault: string, lastsMs: number): readonly FaultCase[] {
  let sinceMs = 0;
  return machines.map((name) => ({
    name: `${fault} on ${name}`,
    inflict: () => {
      sinceMs = Date.now();
      return inflict(fault, name);
    },
    lastsMs,
    heal: () => heal(name),
    after: async () => {
      for (const machine of machines) {
        expect(await loggedSince(fleet, machine, sinceMs)).not.toContain('lease lost');
      }
    },
  }));
}

const cases: readonly FaultCase[] = [
  {
    name: 'every member killed at once, and started again by systemd',
    inflict: () => inflict('etcd-kill', ...machines),
    lastsMs: 0,
    heal: async () => undefined,
  },
  ...memberCases('etcd-frozen', outageMs),
  ...memberCases('etcd-down', ttlMs).slice(0, 1),
  {
    name: 'every member slow',
    inflict: () => inflict('etcd-slow', ...machines),
    lastsMs: outageMs,
    seen: async () => {
      const put = 'time -p (for n in 1 2 3 4 5 6; do ETCDCTL_API=3 etcdctl put slow $n; done) 2>&1';
      const seconds = /^real (.*)$/m.exec(await fleet.script('m1', put))?.[1];
      expect(Number(seconds)).toBeGreaterThan(0.4);
    },
    heal: () => heal(...machines),
  },
  {
    name: 'the quorum lost, and restored',
    inflict: () => inflict('etcd-down', 'm1', 'm2'),
    lastsMs: outageMs,
    seen: async () => {
      const asked = await fleet.fleetctl(['list-units'], { via: 'm3' });
      expect([asked.status, asked.stdout]).toEqual([1, '']);
      expect(asked.stderr).toContain('etcd');
    },
    heal: () => heal('m1', 'm2'),
  },
  {
    name: 'its leader killed again and again',
    inflict: async () => {
      expect(await killEtcdLeaders(context, 8000)).toBeGreaterThan(2);
    },
    lastsMs: 0,
    heal: async () => undefined,
  },
  {
    name: 'the data directory of a member emptied',
    inflict: () => inflict('etcd-emptied', 'm2'),
    lastsMs: ttlMs,
    seen: async () => {
      const journal = await fleet.script('m2', 'journalctl -u etcd -o cat --no-pager -n 30');
      expect(journal).toContain('has already been bootstrapped');
    },
    heal: () => heal('m2'),
  },
  {
    name: 'the disk of a member full',
    inflict: () => inflict('disk-full', 'm3'),
    lastsMs: outageMs,
    seen: async () => {
      // Until something is written, a member lives on what it has set aside.
      const value = "head -c 1000000 /dev/zero | tr '\\0' x";
      // While it dies, the others may have to elect, and a write is lost.
      const put = `${value} | ETCDCTL_API=3 etcdctl --command-timeout=2s put big-$n || true`;
      const use = `for n in $(seq 10); do ${put}; done >/dev/null 2>&1`;
      const used = async (): Promise<string> => {
        await fleet.script('m1', use);
        return healthOf('m3');
      };
      await expect.poll(used, patience).not.toContain('"true"');
    },
    heal: () => heal('m3'),
    after: async () => {
      await expect.poll(() => healthOf('m3'), patience).toContain('"true"');
      await fleet.script('m1', 'ETCDCTL_API=3 etcdctl del --prefix big-');
    },
  },
];

beforeAll(() => startMixedUnits(fleet, machines));
afterAll(() => {
  process.stdout.write(`settled after ms: ${JSON.stringify([...settledMs])}\n`);
});

describe('a fault of etcd moves, stops and restarts no unit:', () => {
  for (const fault of cases) it(fault.name, () => harmless(fleet, machines, fault));

  it('and etcd has a leader afterwards', async () => {
    expect(await etcdLeader(readLab(context.lab))).not.toBeNull();
  });
});
