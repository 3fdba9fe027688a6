import type { Requirements } from '../unitfile/requirements.ts';
import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import type { UnitIdentity } from './ids.ts';

/** What the operator asked for: stored only, placed and known to systemd, or started. */
export type DesiredState = 'inactive' | 'loaded' | 'launched';

/** All desired states, in the order a unit goes through them. */
export const desiredStates = ['inactive', 'loaded', 'launched'] as const;

/** `units/<name>`: what the cluster should do about one unit. Written by the API only. */
export interface UnitRecord {
  readonly identity: UnitIdentity;
  readonly unitHash: UnitHash;
  readonly contentHash: ContentHash;
  readonly desired: DesiredState;
  /** Destroyed: the leader takes it down everywhere, then deletes the record. */
  readonly gone: boolean;
  /**
   * Grows whenever it is to be started anew, stopped first where it runs; for a oneshot with each
   * start, so that a start after a stop, or after it has finished, is another run.
   */
  readonly restartCount: number;
  /** A oneshot service without RemainAfterExit=: it may end well and be done. */
  readonly oneshot: boolean;
  readonly requirements: Requirements;
}
