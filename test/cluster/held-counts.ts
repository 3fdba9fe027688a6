import type { MachineStatus } from '../../src/lab/status.ts';
import type { TestFleet } from './with-fleet.ts';

/** What fleetd, the bus and etcd hold, over all machines: nothing of it may grow with use. */
export interface HeldCounts {
  /** Open file descriptors of fleetd that are not sockets. */
  readonly files: number;
  /** Sockets of fleetd: towards etcd, the bus, clients, and those it listens on. */
  readonly sockets: number;
  readonly matchRules: number;
  readonly etcdWatchers: number;
  readonly etcdWatchStreams: number;
  readonly etcdLeases: number;
}

const script = `
pid=$(systemctl show -P MainPID fleet.service)
ls -l /proc/$pid/fd | grep -c 'socket:' || true
ls -l /proc/$pid/fd | grep -vc 'socket:' || true
busctl --json=short call org.freedesktop.DBus /org/freedesktop/DBus \
  org.freedesktop.DBus.Debug.Stats GetAllMatchRules | grep -o "type=\\|interface=" | wc -l
curl -s http://127.0.0.1:2379/metrics |
  awk '/^etcd_debugging_mvcc_watcher_total/ {w=$2} /^etcd_debugging_mvcc_watch_stream_total/ {s=$2}
    END {print w+0; print s+0}'`;

/** Counts on all machines at about the same time; the sums, as whoever leads may change. */
export async function countHeld(
  fleet: TestFleet,
  machines: readonly MachineStatus[],
): Promise<HeldCounts> {
  const rows = await Promise.all(
    machines.map(async ({ name }) =>
      (await fleet.script(name, script)).trim().split('\n').map(Number),
    ),
  );
  const sum = (column: number): number => {
    const total = rows.reduce((so, row) => so + (row[column] ?? Number.NaN), 0);
    if (Number.isNaN(total)) throw new Error(`not counted: ${JSON.stringify(rows)}`);
    return total;
  };
  return {
    sockets: sum(0),
    files: sum(1),
    matchRules: sum(2),
    etcdWatchers: sum(3),
    etcdWatchStreams: sum(4),
    etcdLeases: await fleet.leaseCount(),
  };
}
