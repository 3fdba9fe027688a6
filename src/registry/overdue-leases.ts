import { type Clock, rest } from '../lib/clock.ts';
import type { MachineId } from '../model/ids.ts';
import { limits } from './limits.ts';
import type { LeaseId, LeaseStanding, Store } from './store.ts';

/** Whose leases to look at. */
export interface LeaseLook {
  readonly store: Store;
  readonly clock: Clock;
  readonly ttlMs: number;
  readonly leases: ReadonlyMap<MachineId, LeaseId>;
  /** Fewer machines than this make no difference to whoever asks. */
  readonly leastCount: number;
}

/**
 * Machines whose lease nobody renews. One look may fall on the moment before a renewal, and etcd
 * rounds to whole seconds: whoever seems to be late is looked at again after a sixth of the TTL, by
 * when one that lives has renewed. None when there are fewer than `leastCount`, without the second
 * look then. Throws FleetError.
 */
export async function overdueMachines(
  look: LeaseLook,
  signal: AbortSignal,
): Promise<ReadonlySet<MachineId>> {
  const suspects = await lateOnes(look, signal);
  if (suspects.size < look.leastCount) return new Set();
  await rest(look.ttlMs / 6, look.clock, signal);
  const late = await lateOnes({ ...look, leases: suspects }, signal);
  return new Set(late.size < look.leastCount ? [] : late.keys());
}

async function lateOnes(
  { store, leases }: Pick<LeaseLook, 'store' | 'leases'>,
  signal: AbortSignal,
): Promise<ReadonlyMap<MachineId, LeaseId>> {
  const all = [...leases];
  const late = new Map<MachineId, LeaseId>();
  for (let start = 0; start < all.length; start += limits.leaseLooksMax) {
    const part = all.slice(start, start + limits.leaseLooksMax);
    const standings = await Promise.all(part.map(([, id]) => store.inspectLease(id, signal)));
    for (const [index, [machine, leaseId]] of part.entries()) {
      const standing = standings[index] ?? null; // null: it has ended meanwhile
      if (standing === null || isLate(standing)) late.set(machine, leaseId);
    }
  }
  return late;
}

/** A lease is renewed each third of its time, so it has two thirds left, less what was rounded off. */
function isLate({ remainingMs, grantedMs }: LeaseStanding): boolean {
  return remainingMs < grantedMs / 2 - limits.leaseSlackMs;
}
