import { type Clock, rest } from '../lib/clock.ts';
import { limits } from './limits.ts';

/** What became of one try to renew. */
export type RenewalOutcome = 'renewed' | 'failed' | 'withheld' | 'gone';

/**
 * How long one try may take. A member that is slow needs longer, not more tries: a thousand machines
 * that ask again twice a second were what kept it from answering.
 */
export function patienceMsFor(ttlMs: number): number {
  return Math.min(limits.renewalMsMax, ttlMs / 6);
}

/** How soon after the beginning of a try that failed the next one may begin. */
function retryMsFor(ttlMs: number): number {
  return Math.min(limits.retryMaxMs, ttlMs / 6);
}

/**
 * The rhythm of a lease: every third of its TTL, within a sixth after a failure, until it is gone
 * or `signal` aborts. `turn` must not reject, nor take longer than `patienceMsFor` says.
 */
export async function renewInTurns(
  what: {
    readonly ttlMs: number;
    readonly clock: Clock;
    /** Begin now instead of after a third of the TTL. */
    readonly atOnce: boolean;
    readonly turn: () => Promise<RenewalOutcome>;
  },
  signal: AbortSignal,
): Promise<void> {
  const { ttlMs, clock, turn } = what;
  let restMs = what.atOnce ? 0 : ttlMs / 3;
  for (;;) {
    await rest(restMs, clock, signal);
    if (signal.aborted) return;
    const startedAtMs = clock.nowMs();
    const outcome = await turn();
    if (signal.aborted || outcome === 'gone') return;
    restMs = Math.max(everyMs(outcome, ttlMs) - (clock.nowMs() - startedAtMs), 0);
  }
}

function everyMs(outcome: RenewalOutcome, ttlMs: number): number {
  if (outcome === 'renewed') return ttlMs / 3;
  return outcome === 'withheld' ? ttlMs / 6 : retryMsFor(ttlMs);
}
