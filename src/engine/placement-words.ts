import { type MachineId, shortId } from '../model/ids.ts';

/** The reason of a oneshot that ended well. */
export function finishedOn(machine: MachineId): string {
  return `finished on ${shortId(machine)}`;
}
