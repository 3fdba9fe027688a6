import type { BootId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import type { ActualUnit } from './observe.ts';
import { isLaunched } from './plan.ts';

/**
 * Whether an order asks for the unit to be stopped. It does not when there is none, and when the
 * unit runs just as the order wants it: such a stop would be a restart that we caused.
 */
export function callsForStop(
  order: Order | undefined,
  actual: ActualUnit | undefined,
  bootId: BootId,
): boolean {
  if (order === undefined) return false;
  if (order.want === 'stop' || order.want === 'gone') return true;
  if (order.want !== 'launch' || actual === undefined) return false;
  return !isLaunched(actual, order, bootId);
}
