import { usageError } from './command-error.ts';
import { parseDurationMs } from './duration.ts';
import type { Flag, FlagValues } from './flag.ts';
import { limits } from './limits.ts';

/** How long a command waits for what it asked for. */
export interface WaitFlags {
  readonly isWaiting: boolean;
  readonly limitMs: number;
}

/** What every waiting command understands. */
export const waitFlags: readonly Flag[] = [
  { usage: '--no-block', what: 'do not wait for it to happen' },
  {
    usage: '--timeout <time>',
    what: 'how long to wait at most, such as 90s or 5m (default: 60s)',
  },
  {
    usage: '--block-attempts <n>',
    what: 'wait for N times half a second; 0: only --timeout counts',
  },
];

const waitMsDefault = 60_000;

/** Reads what `waitFlags` offers. The shorter of the two limits counts. */
export function readWaitFlags(flags: FlagValues): WaitFlags {
  const timeoutMs = readTimeout(flags['timeout']);
  const attemptsMs = readAttempts(flags['blockAttempts']);
  return {
    isWaiting: flags['block'] !== false,
    limitMs: Math.min(timeoutMs ?? attemptsMs ?? waitMsDefault, attemptsMs ?? limits.waitMsMax),
  };
}

function readTimeout(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  const ms = parseDurationMs(value);
  if (ms === null || ms > limits.waitMsMax) {
    throw usageError(`--timeout "${value}" is not a time`, 'write it as 90s, 5m or 1h');
  }
  return ms;
}

function readAttempts(value: unknown): number | null {
  if (typeof value !== 'string') return null;
  if (!/^\d{1,6}$/.test(value)) {
    throw usageError(`--block-attempts "${value}" is not a number`, 'write it as 10');
  }
  return Number(value) === 0 ? null : Number(value) * limits.blockAttemptMs;
}
