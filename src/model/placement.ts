import type { MachineId, UnitIdentity } from './ids.ts';

/** Why a group of machines cannot take a unit. */
export interface Objection {
  /** e.g. `conflicts with web@1.service`, `metadata disk=ssd is missing`. */
  readonly why: string;
  /** How many machines say so. */
  readonly count: number;
  /** The first few of them, sorted. */
  readonly machines: readonly MachineId[];
}

/** `placement/<name>`: where the leader decided a non-global unit belongs, and why. */
export interface Placement {
  /** null: it fits nowhere now; `objections` says why. */
  readonly machine: MachineId | null;
  readonly identity: UnitIdentity;
  /** Wall time of the decision, ms since 1970. */
  readonly sinceMs: number;
  /** Why there, or why it moved, in words an operator reads. */
  readonly reason: string;
  readonly objections: readonly Objection[];
  /** Wall time, ms since 1970, at which only the objections were last written anew. */
  readonly refreshedMs?: number;
  /**
   * The restart count of the run of a oneshot that was seen to end well: it is not moved and not
   * run again while its unit asks for no newer run. Absent: none was.
   */
  readonly finishedRun?: number;
  /**
   * Wall time, ms since 1970, until which it starts nowhere else: a machine that is away may still
   * run it (`OnPartition=stop`). For people; the leader counts by its own clock. Absent: no hold.
   */
  readonly heldUntilMs?: number;
  /** Machines that refused to load this identity, with their words; sorted by machine. */
  readonly refusals: readonly { readonly machine: MachineId; readonly why: string }[];
}
