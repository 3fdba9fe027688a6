import { ports } from '../../src/lab/names.ts';
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
  /** Those of the sockets that are connections to the API. */
  readonly clients: number;
  /** A fleetd that ended by itself would hold nothing any more. */
  readonly fleetdRestarts: number;
}

/** As the kernel writes it in /proc/net/tcp; state 0A listens, and inode 0 has no descriptor. */
const portHex = ports.fleetd.toString(16).toUpperCase();
const script = `set -o pipefail
cat /proc/net/tcp /proc/net/tcp6 |
  awk '$2 ~ /:${portHex}$/ && $4 != "0A" && $10 != 0' | wc -l
pid=$(systemctl show -P MainPID fleet.service)
ls -l /proc/$pid/fd | grep -c 'socket:' || true
ls -l /proc/$pid/fd | grep -vc 'socket:' || true
busctl --json=short call org.freedesktop.DBus /org/freedesktop/DBus \
  org.freedesktop.DBus.Debug.Stats GetAllMatchRules | grep -o '"[a-z]*=' | wc -l
curl -s http://127.0.0.1:2379/metrics |
  awk '/^etcd_debugging_mvcc_watcher_total/ {w=$2} /^etcd_debugging_mvcc_watch_stream_total/ {s=$2}
    END {print w+0; print s+0}'
systemctl show -P NRestarts fleet.service`;

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
    sockets: sum(1),
    files: sum(2),
    matchRules: sum(3),
    etcdWatchers: sum(4),
    etcdWatchStreams: sum(5),
    etcdLeases: await fleet.leaseCount(),
    fleetdRestarts: sum(6),
    clients: sum(0),
  };
}
