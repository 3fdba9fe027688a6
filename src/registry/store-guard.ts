import { FleetError } from '../lib/error.ts';
import type { Keys } from './keys.ts';
import type { Compare, Store } from './store.ts';

/** A record is stored but not understood. */
export function undecodable(key: string, why: string): FleetError {
  return new FleetError(`${key} is not understood: ${why}`, {
    code: 'registry/undecodable',
    retry: 'never',
    hint: 'A newer fleetd may have written it: upgrade this one, or correct the key with etcdctl.',
  });
}

/** A guarded write was tried as often as it may be, and somebody else was faster each time. */
export function raced(what: string): FleetError {
  return new FleetError(`others kept changing ${what}`, {
    code: 'registry/conflict',
    retry: 'soon',
    hint: 'Look at what it is now, then try again.',
  });
}

/** Throws `registry/not-ours` when the store is not that of our cluster any more. */
export async function requireOurStore(
  parts: {
    readonly store: Store;
    readonly keys: Keys;
    readonly storeGuard: () => readonly Compare[];
  },
  signal: AbortSignal,
): Promise<void> {
  const guard = parts.storeGuard();
  if (guard.length === 0) return;
  const answer = await parts.store.txn({ onlyIf: guard, writes: [] }, signal);
  if (answer.succeeded) return;
  throw new FleetError(`the store under ${parts.keys.prefix} is not that of our cluster`, {
    code: 'registry/not-ours',
    retry: 'soon',
    hint: 'It was emptied, restored or replaced: nothing is changed until that is settled.',
  });
}
