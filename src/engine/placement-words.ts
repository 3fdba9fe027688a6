import { type MachineId, shortId } from '../model/ids.ts';

/** The reason of a oneshot that ended well. */
export function finishedOn(machine: MachineId): string {
  return `finished on ${shortId(machine)}`;
}

/** Why a unit stays on a machine that vanished together with most others. */
export function brakedOn(machine: MachineId): string {
  return `machine ${shortId(machine)} vanished with most others; waits for the brake`;
}
