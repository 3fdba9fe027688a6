import { holdMs } from '../model/hold.ts';
import { orderCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import { readWhole } from './paged-read.ts';
import type { Store } from './store.ts';

/**
 * How long after its machine was cut off a copy with `OnPartition=stop` of any stored order may
 * still run, ms; 0 when no order has a guard. Throws FleetError.
 */
export async function longestHoldMs(
  store: Store,
  keys: Keys,
  signal: AbortSignal,
): Promise<number> {
  const ranges = [{ range: keys.all('work'), keysOnly: false }];
  const { items } = await readWhole(store, { ranges, revision: null }, signal);
  const holds = items.flatMap(({ value }) => {
    const order = orderCodec.decode(value);
    return order.ok && order.value.guard !== undefined ? [holdMs(order.value.guard)] : [];
  });
  return holds.reduce((longest, hold) => Math.max(longest, hold), 0);
}
