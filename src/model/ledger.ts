import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Decision } from './change.ts';
import type { ClusterPicture } from './cluster-picture.ts';
import type { MachineId, Revision } from './ids.ts';
import type { Order } from './order.ts';
import type { StateReport } from './report.ts';

/**
 * What became of a leader's batch.
 *
 * - `committed`: it is in the store, and `picture()` contains it.
 * - `superseded`: something it was guarded by changed; the picture was read again. Plan again.
 * - `unknown`: its answer was lost; the chain was closed behind it, the picture read again. Plan again.
 * - `deposed`: another term began; this session is over.
 */
export type CommitOutcome = 'committed' | 'superseded' | 'unknown' | 'deposed';

/** One term of leadership: the leader's mirror of the cluster and its only way to write. */
export interface LeaderSession {
  /** The create revision of `engine/leader`: the fence. */
  readonly term: Revision;
  /** The newest picture. Cheap to call; the same object while nothing changed. */
  picture(): ClusterPicture;
  /**
   * Writes decisions in one fenced transaction (at most `batchOpsMax` changes; see
   * `src/registry/limits.ts`). One commit at a time. Throws FleetError when the store is away.
   */
  commit(decisions: readonly Decision[], signal: AbortSignal): Promise<CommitOutcome>;
  /** Calls `nudge` after each change of the picture, and when the session ended. */
  onChange(nudge: () => void): void;
  /**
   * In how many ms the absence of a machine counts; 0: it counts. After the store was out of reach,
   * leases may have run out that nobody could renew: every machine gets time to come back.
   */
  absenceCountsInMs(): number;
  /**
   * Present machines whose lease was not renewed in time: they may be about to vanish. Asks the
   * store, one question a machine, and once more after a sixth of the TTL about those that seem
   * to be. Fewer than `leastCount` are none, and are not waited for. Throws FleetError.
   */
  overdueMachines(leastCount: number, signal: AbortSignal): Promise<ReadonlySet<MachineId>>;
  /**
   * For how long this session has seen a machine to be absent, without a break; 0: it is present.
   * By the leader's own clock, from its own first sight.
   */
  absentForMs(machine: MachineId): number;
  /** False once another term began, the lease was lost or the session was closed. */
  isLive(): boolean;
  /** Gives the leadership up (guarded by the term) and stops watching. */
  close(): Promise<void>;
}

/** The door to leadership, one for each daemon. */
export interface Election {
  /**
   * Waits until this machine leads and its mirror is complete; null when `signal` aborted.
   * Retries by itself while the store is away.
   */
  lead(signal: AbortSignal): Promise<LeaderSession | null>;
}

/** One machine's orders at one revision; `null` until they were read completely once. */
export interface OrderBook {
  readonly revision: Revision;
  readonly orders: ReadonlyMap<UnitName, Order>;
  /** The revision at which each of them was written: it only grows from one assignment to the next. */
  readonly revisions: ReadonlyMap<UnitName, Revision>;
  /** Orders that are stored but not understood: touch nothing of theirs. */
  readonly unreadable: ReadonlySet<UnitName>;
}

/** The agent's door to the store. */
export interface AgentLedger {
  readonly machine: MachineId;
  /** The newest complete reading of `work/<me>/`; null while nothing is known. */
  orderBook(): OrderBook | null;
  /** True when the book was read since this machine registered, so that no older one counts. */
  isCurrent(): boolean;
  /** Calls `nudge` after each change of the order book. */
  onChange(nudge: () => void): void;
  /** The text stored under a hash, checked against it; null when it is not stored. */
  readText(hash: ContentHash, signal: AbortSignal): Promise<string | null>;
  /**
   * Writes (or, with null, deletes) reports of this machine in batches. All or an error; safe to
   * repeat. Throws FleetError.
   */
  report(reports: ReadonlyMap<UnitName, StateReport | null>, signal: AbortSignal): Promise<void>;
  /** The reports this machine has in the store, e.g. from before a restart of the daemon. */
  readReports(signal: AbortSignal): Promise<ReadonlyMap<UnitName, StateReport>>;
}
