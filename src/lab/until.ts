import { backoffMs } from '../lib/backoff.ts';
import { rest, systemClock } from '../lib/clock.ts';
import type { Result } from '../lib/result.ts';
import { interruptedHint, interruptedWord, labFailed } from './trouble.ts';

const pauses = { firstMs: 5, maxMs: 200 } as const;

/** What is waited for, in words, and for how long at most. */
export interface Wait {
  readonly what: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** What the reader can do when it does not come. */
  readonly hint?: string;
}

/**
 * Looks again and again, at growing intervals up to 200 ms, until `look` has a value.
 * Throws `lab/failed` with the last reason after `timeoutMs`, or as soon as `signal` aborts.
 */
export async function until<T>(
  wait: Wait,
  look: () => Promise<Result<T, string>> | Result<T, string>,
): Promise<T> {
  const startMs = systemClock.nowMs();
  const signal = wait.signal ?? new AbortController().signal;
  for (let tryCount = 1; ; tryCount += 1) {
    throwIfInterrupted(signal);
    const seen = await look();
    if (seen.ok) return seen.value;
    if (systemClock.nowMs() - startMs >= wait.timeoutMs) {
      throw labFailed(
        `${wait.what}: not after ${wait.timeoutMs / 1000} s: ${seen.error}`,
        wait.hint ?? "'fleetlab logs M' shows a machine's journal, 'fleetlab down' takes all down",
      );
    }
    await rest(backoffMs(tryCount, pauses), systemClock, signal);
  }
}

/** Throws `lab/failed` when somebody pressed Ctrl-C; called between the steps of long commands. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw labFailed(interruptedWord, interruptedHint);
}
