import type { PartitionStop } from '../unitfile/on-partition.ts';

/**
 * How the machine of a copy stops it when it is cut off (`OnPartition=stop`): its PID 1 begins
 * `deadlineMs` after the last sign that its lease was renewed, and has ended it after five
 * `stopTimeoutMs` (ExecStop=, SIGTERM, SIGKILL, ExecStopPost= and what that leaves behind).
 */
export interface CopyGuard extends PartitionStop {
  readonly deadlineMs: number;
}

const stopStepsCount = 5;
const marginMs = 1_000;

/** A fleetd that is started anew, or an etcd that elects a leader, takes less than this. */
const deadlineMsMin = 5_000;

/**
 * The deadline of a machine with that lease. It need not be shorter than the TTL: the hold counts it
 * from when the lease was seen to be gone.
 */
export function deadlineFor(ttlMs: number): number {
  return Math.max(Math.floor((ttlMs * 4) / 5), deadlineMsMin);
}

/** How old a renewal may be, counted from when it was sent, to put the deadline off. */
export function renewalAgeMsMax(ttlMs: number): number {
  return Math.min(ttlMs / 5, marginMs);
}

/** How long after its machine was first seen to be gone such a copy may still run. */
export function holdMs({ deadlineMs, stopTimeoutMs }: CopyGuard): number {
  return deadlineMs + stopStepsCount * stopTimeoutMs + marginMs;
}
