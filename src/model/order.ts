import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { CopyGuard } from './hold.ts';
import type { UnitIdentity } from './ids.ts';

/**
 * What a machine is to do about a unit.
 *
 * - `load`: its file is known to systemd; start nothing, stop nothing.
 * - `launch`: started once (see receipts in the agent); from then on systemd's own rules hold.
 * - `stop`: known to systemd and stopped: it was launched and is now only to be loaded.
 * - `retire`: it moved. Keep it as it is, start nothing, until its new copy is up.
 * - `gone`: stopped, its file removed, then confirmed with a report `current: 'gone'`.
 */
export type Want = 'load' | 'launch' | 'stop' | 'retire' | 'gone';

/**
 * `work/<machine>/<name>`: the leader's order to one machine about one unit.
 * A missing order is never an order: it means "unknown", and unknown changes nothing.
 */
export interface Order {
  readonly identity: UnitIdentity;
  readonly unitHash: UnitHash;
  readonly contentHash: ContentHash;
  readonly want: Want;
  readonly restartCount: number;
  /**
   * With `launch`, for a oneshot: this run has ended well, before a reboot perhaps. Its file is
   * known to systemd and nothing is started. Absent: it is to run.
   */
  readonly finished?: true;
  /**
   * For a unit with `OnPartition=stop`: how its machine stops it when it is cut off. Absent for all
   * others, and with `gone` once a machine that is away can not be running it any more.
   */
  readonly guard?: CopyGuard;
  /** Units of this machine that must be gone from systemd before this one is started. Sorted. */
  readonly after: readonly UnitName[];
  /** Why, in words an operator reads. */
  readonly reason: string;
}
