import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import type { UnitIdentity } from './ids.ts';

/**
 * How far a machine got with a unit.
 *
 * - `loaded`: its file is known to systemd.
 * - `launched`: its start job ended well once for this order (see receipts in the agent).
 * - `refused`: this machine cannot load it, e.g. its name belongs to the operating system.
 * - `gone`: an order `gone` was carried out; kept until the leader has taken the order back.
 */
export type Progress = 'loaded' | 'launched' | 'refused' | 'gone';

/**
 * What a machine adds to its report of an orphan: a unit of ours that is there without any order.
 * It keeps running, since absence is never an order (invariant 3).
 */
export interface OrphanMark {
  /** Of the file on disk; empty when only other traces are left. */
  readonly contentHash: ContentHash;
  /** Globs of names it does not share a machine with, from its own text. */
  readonly avoids: readonly string[];
}

/** `state/<machine>/<name>`: what one machine says of one unit, on the machine's lease. */
export interface StateReport {
  readonly identity: UnitIdentity;
  readonly unitHash: UnitHash;
  readonly current: Progress;
  /** Of the order that this is about; absent for 0. What is said of an earlier start is history. */
  readonly restartCount?: number;
  /** systemd's own words: LoadState, ActiveState, SubState. */
  readonly load: string;
  readonly active: string;
  readonly sub: string;
  /** Why it is refused or did not start, with systemd's words; null when nothing is wrong. */
  readonly problem: string | null;
  /** The machine has no order about it, after reading all its orders. Absent: it has one. */
  readonly orphan?: OrphanMark;
}
