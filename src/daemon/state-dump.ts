import type { Logger } from '../lib/log.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { LeaderSession, OrderBook } from '../model/ledger.ts';
import type { AgentPass } from '../model/meters.ts';
import type { LeaseStatus } from '../registry/lease.ts';

const limits = {
  /** Items of one part; the rest is only counted. */
  partItemsMax: 2_000,
  /** One line of the journal takes 48 KiB (`LineMax=`). */
  lineBytesMax: 24 * 1024,
} as const;

/** What a daemon knows at one moment. */
export interface DaemonState {
  readonly machine: string;
  readonly version: string;
  readonly lease: LeaseStatus | null;
  /** null: this machine does not lead. */
  readonly session: LeaderSession | null;
  readonly book: OrderBook | null;
  readonly pass: AgentPass | null;
}

/** One piece of a dump, small enough for one line of a log. */
export interface DumpLine {
  readonly part: string;
  /** How many items the part has, here and elsewhere. */
  readonly count: number;
  /** Items of the part that are in no line. */
  readonly omittedCount: number;
  readonly items: readonly object[];
}

/** Writes everything that the daemon knows to the log, in pieces. */
export function dumpState(state: DaemonState, log: Logger): void {
  for (const line of dumpLines(state)) log.info(line, 'dumped state');
}

/** The pieces: of the agent first, then of the leader. */
export function dumpLines(state: DaemonState): readonly DumpLine[] {
  const { machine, version, lease, session, book, pass } = state;
  const daemon = {
    machine,
    version,
    lease,
    term: session === null ? null : String(session.term),
    ordersRevision: book === null ? null : String(book.revision),
  };
  const own = [
    ...part('daemon', [daemon]),
    ...part('orders', ordersOf(book)),
    ...part(
      'jobs',
      [...(pass?.busy ?? [])].map(([unit, job]) => ({ unit, job })),
    ),
    ...part('waits', pass?.waits ?? []),
  ];
  return session === null ? own : [...own, ...pictureLines(session.picture())];
}

function ordersOf(book: OrderBook | null): readonly object[] {
  if (book === null) return [];
  const unreadable = [...book.unreadable].map((unit) => ({ unit, unreadable: true }));
  const orders = [...book.orders].map(([unit, { want, identity, restartCount, reason }]) => ({
    ...{ unit, want, identity, restartCount, reason },
  }));
  return [...orders, ...unreadable];
}

function pictureLines(picture: ClusterPicture): readonly DumpLine[] {
  const { revision, machines, members, units, placements, unreadable, brake } = picture;
  const cluster = {
    revision: String(revision),
    units: units.size,
    texts: picture.texts.size,
    brake,
  };
  const unitItems = [...units].map(([unit, { desired, gone, identity }]) => {
    const placement = placements.get(unit);
    const { machine = null, reason = null, sinceMs = null } = placement ?? {};
    return { unit, desired, gone, identity, machine, reason, sinceMs };
  });
  const machineItems = [...machines.values()].map(
    ({ id, address, version, leaving, metadata }) => ({
      ...{ id, address, version, leaving },
      metadata: Object.fromEntries(metadata),
    }),
  );
  return [
    ...part('cluster', [cluster]),
    ...part('machines', machineItems),
    ...part('members', [...members.values()]),
    ...part('units', unitItems),
    ...part(
      'unreadable',
      [...unreadable].map((unit) => ({ unit })),
    ),
  ];
}

function part(name: string, all: readonly object[]): readonly DumpLine[] {
  const shown = all.slice(0, limits.partItemsMax);
  const pieces: object[][] = [[]];
  let sizeBytes = 0;
  for (const item of shown) {
    const itemBytes = Buffer.byteLength(JSON.stringify(item));
    const last = pieces.at(-1);
    if (last === undefined || (last.length > 0 && sizeBytes + itemBytes > limits.lineBytesMax)) {
      pieces.push([item]);
      sizeBytes = itemBytes;
    } else {
      last.push(item);
      sizeBytes += itemBytes;
    }
  }
  const omittedCount = all.length - shown.length;
  return pieces.map((items) => ({ part: name, count: all.length, omittedCount, items }));
}
