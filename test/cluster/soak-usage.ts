import { setTimeout as sleep } from 'node:timers/promises';
import type { MachineStatus } from '../../src/lab/status.ts';
import { heapTidyLimits } from '../../src/lib/heap-tidy.ts';
import type { TestFleet } from './with-fleet.ts';

/** What fleetd, the machines and the cluster's store hold: nothing of it may grow with time. */
export interface Usage {
  /** Anonymous memory of the witness's fleetd in KiB: nobody else has it, and no file backs it. */
  readonly fleetdAnonymousKib: number;
  readonly fleetdFiles: number;
  readonly fleetdThreads: number;
  /** Match rules of fleetd and everybody else, on the bus of each machine. */
  readonly matchRules: readonly number[];
  /** Processes on all machines. */
  readonly processes: number;
  /** Files of all machines under /run/fleet, /var/lib/fleet and where systemd keeps run-time units. */
  readonly files: number;
  /** Keys in etcd by their kind, such as `units`. */
  readonly etcdKeys: Readonly<Record<string, number>>;
  readonly etcdLeases: number;
}

const fleetdScript = `set -o pipefail
pid=$(systemctl show -P MainPID fleet.service)
awk '/^Anonymous:/ {print $2}' /proc/$pid/smaps_rollup
ls /proc/$pid/fd | wc -l
ls /proc/$pid/task | wc -l`;

const machineScript = `set -o pipefail
busctl --json=short call org.freedesktop.DBus /org/freedesktop/DBus \
  org.freedesktop.DBus.Debug.Stats GetAllMatchRules | grep -o '"[a-z]*=' | wc -l
ps -e -o comm= | grep -vxc -e ps -e grep -e bash -e systemctl -e busctl || true
{ find /run/fleet /var/lib/fleet /run/systemd/system /run/systemd/transient 2>/dev/null || true
} | wc -l`;

/**
 * Counts on all machines and in etcd; units move about, so sums are compared. `witness` is the
 * machine whose fleetd is looked at.
 */
export async function usageOf(
  fleet: TestFleet,
  machines: readonly MachineStatus[],
  witness: string,
): Promise<Usage> {
  const [memory, fds, threads] = await numbers(fleet, witness, fleetdScript);
  const rows = await Promise.all(machines.map(({ name }) => numbers(fleet, name, machineScript)));
  const sum = (column: number): number =>
    rows.reduce((so, row) => so + (row[column] ?? Number.NaN), 0);
  return {
    fleetdAnonymousKib: memory ?? Number.NaN,
    fleetdFiles: fds ?? Number.NaN,
    fleetdThreads: threads ?? Number.NaN,
    matchRules: rows.map(([count]) => count ?? Number.NaN),
    processes: sum(1),
    files: sum(2),
    etcdKeys: byKind(await fleet.keys()),
    etcdLeases: await fleet.leaseCount(),
  };
}

function byKind(keys: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const key of keys) {
    const kind = key.startsWith('engine/') ? key : (key.split('/')[0] ?? '');
    if (kind === 'chain') continue; // one a machine at most, and none until it reports something
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

async function numbers(fleet: TestFleet, machine: string, script: string): Promise<number[]> {
  const counted = (await fleet.script(machine, script)).trim().split('\n').map(Number);
  if (counted.some(Number.isNaN)) throw new Error(`not counted on ${machine}: ${counted}`);
  return counted;
}

/**
 * What the witness's fleetd holds once it has given back what work left behind: the least that it
 * comes down to before it has done nothing about its heap for longer than it ever waits with that.
 */
export async function memoryAtRestKib(fleet: TestFleet, witness: string): Promise<number> {
  const { lookEveryMs, passCount, passEveryMs } = heapTidyLimits;
  const quietMs = 2 * lookEveryMs + passCount * passEveryMs;
  let [leastKib, sinceMs] = [Number.POSITIVE_INFINITY, performance.now()];
  while (performance.now() - sinceMs < quietMs) {
    const [kib = Number.NaN] = await numbers(fleet, witness, fleetdScript);
    if (kib < leastKib * 0.98) [leastKib, sinceMs] = [kib, performance.now()];
    await sleep(1000);
  }
  return leastKib;
}
