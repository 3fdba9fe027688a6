import { backoffMs } from '../lib/backoff.ts';
import type { Order } from '../model/order.ts';
import { agentLimits } from './limits.ts';

/** What did not work about a unit, and when to try again. Not kept across restarts of fleetd. */
export interface Retry {
  /** The order it was about: another order starts from nothing. */
  readonly key: string;
  readonly tryCount: number;
  readonly notBeforeMs: number;
  /** In the words of systemd, the store or the disk. */
  readonly problem: string;
  /** The unit could not even be loaded: the machine refuses it. */
  readonly isRefusal: boolean;
}

/** What makes two orders ask for the same thing. */
export function retryKey(order: Order): string {
  return [order.identity, order.contentHash, order.restartCount, order.want].join(' ');
}

/** The memory after one more failure of the same order. */
export function nextRetry(
  before: Retry | undefined,
  failure: Pick<Retry, 'key' | 'problem' | 'isRefusal'>,
  nowMs: number,
): Retry {
  const tryCount = before?.key === failure.key ? before.tryCount + 1 : 1;
  const pauseMs = backoffMs(tryCount, {
    firstMs: agentLimits.retryFirstMs,
    maxMs: agentLimits.retryMsMax,
  });
  return { ...failure, tryCount, notBeforeMs: nowMs + pauseMs };
}
