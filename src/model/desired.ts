import { isKnownFinished } from './copy.ts';
import type { Placement } from './placement.ts';
import type { DesiredState, UnitRecord } from './unit.ts';

/**
 * The record with another desired state; the same record when nothing is asked for. A oneshot that
 * is to start while it does not, or after it has finished, is to run once more.
 */
export function asDesired(
  record: UnitRecord,
  placement: Placement | null,
  desired: DesiredState,
): UnitRecord {
  const isFinished = isKnownFinished(record, placement);
  if (record.desired === desired && !isFinished) return record;
  const isRun = record.oneshot && desired === 'launched';
  return { ...record, desired, restartCount: record.restartCount + (isRun ? 1 : 0) };
}
