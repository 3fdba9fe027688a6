import { type MachineId, shortId } from '../model/ids.ts';
import type { Placement } from '../model/placement.ts';

const finishedStart = 'finished on ';

/** The reason of a oneshot that ended well. */
export function finishedOn(machine: MachineId): string {
  return `${finishedStart}${shortId(machine)}`;
}

/** True when a placement remembers that its oneshot ended well; see `finishedOn`. */
export function isMarkedFinished(placement: Placement): boolean {
  return placement.reason.startsWith(finishedStart);
}
