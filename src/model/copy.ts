import type { Order } from './order.ts';
import type { Placement } from './placement.ts';
import type { StateReport } from './report.ts';
import type { UnitRecord } from './unit.ts';

/** True when the machine has said that it carried a `gone` order out, for the same identity. */
export function isConfirmedGone(order: Order, report: StateReport | undefined): boolean {
  return order.want === 'gone' && report?.current === 'gone' && report.identity === order.identity;
}

/**
 * True when a copy does what its unit is wanted for, so that an older copy may go: loaded, or
 * launched and past its start. A oneshot that ended well counts as up.
 */
export function isUp(record: UnitRecord, report: StateReport | undefined): boolean {
  if (report === undefined || report.identity !== record.identity) return false;
  if (record.desired === 'loaded') return ['loaded', 'launched'].includes(report.current);
  return report.current === 'launched' && !['activating', 'failed'].includes(report.active);
}

/** True when a report is about the newest run that a unit asks for: an older one says nothing. */
export function isOfThisRun(record: UnitRecord, report: StateReport): boolean {
  return report.identity === record.identity && (report.restartCount ?? 0) >= record.restartCount;
}

/** True when a oneshot was started and ended well: it is done until somebody starts it again. */
export function hasFinished(record: UnitRecord, report: StateReport): boolean {
  if (!record.oneshot || record.desired !== 'launched') return false;
  return (
    isOfThisRun(record, report) && report.current === 'launched' && report.active === 'inactive'
  );
}

/** True when a placement remembers that the run its unit asks for has ended well. */
export function isKnownFinished(record: UnitRecord, placement: Placement | null): boolean {
  if (!record.oneshot || record.desired !== 'launched' || placement === null) return false;
  return placement.identity === record.identity && placement.finishedRun === record.restartCount;
}
