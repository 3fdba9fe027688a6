import { type Clock, rest } from '../lib/clock.ts';
import { limits } from './limits.ts';
import type { LeaseId, Store } from './store.ts';

/** One look at a lease: etcd answered somewhere between `sentAtMs` and `gotAtMs`. */
export interface LeaseSample {
  readonly sentAtMs: number;
  readonly gotAtMs: number;
  /** Rounded down to whole seconds. */
  readonly remainingMs: number;
  readonly grantedMs: number;
  readonly raftTerm: string;
}

/** `refreshed`: somebody keeps it alive; `left`: nobody does; `undecided`: look on. */
export type ClaimVerdict = 'refreshed' | 'left' | 'undecided';

/**
 * Whether somebody keeps a lease alive. Each look bounds the time at which it would end; a later
 * look beyond that bound, in the same raft term, can only come from a renewal (a new etcd leader
 * extends every lease, but begins a new term). Nothing of that for one TTL: it was left.
 */
export function judgeClaim(samples: readonly LeaseSample[]): ClaimVerdict {
  const last = samples.at(-1);
  if (last === undefined) return 'undecided';
  const before = samples.findLastIndex((sample) => sample.raftTerm !== last.raftTerm);
  const term = samples.slice(before + 1);
  let endsBeforeMs = Number.POSITIVE_INFINITY;
  for (const sample of term) {
    const endsAfterMs = sample.sentAtMs + sample.remainingMs;
    const isAlive = sample.remainingMs > 0;
    if (isAlive && endsAfterMs > endsBeforeMs + limits.leaseSlackMs) return 'refreshed';
    endsBeforeMs = Math.min(endsBeforeMs, sample.gotAtMs + sample.remainingMs + roundingMs);
  }
  const watchedMs = last.gotAtMs - (term[0]?.gotAtMs ?? last.gotAtMs);
  return watchedMs >= last.grantedMs + roundingMs ? 'left' : 'undecided';
}

const roundingMs = 1000;

/** Watches a lease until it is known whether somebody keeps it alive; a gone one is `left`. */
export async function watchClaim(
  what: { readonly store: Store; readonly clock: Clock; readonly leaseId: LeaseId },
  signal: AbortSignal,
): Promise<'refreshed' | 'left'> {
  const { store, clock, leaseId } = what;
  const samples: LeaseSample[] = [];
  for (;;) {
    const sentAtMs = clock.nowMs();
    const standing = await store.inspectLease(leaseId, signal);
    if (standing === null) return 'left';
    samples.push({ sentAtMs, gotAtMs: clock.nowMs(), ...standing });
    const verdict = judgeClaim(samples);
    if (verdict !== 'undecided') return verdict;
    await rest(standing.grantedMs / 10, clock, signal);
  }
}
