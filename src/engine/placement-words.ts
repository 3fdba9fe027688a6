import { type CopyGuard, holdMs } from '../model/hold.ts';
import { type MachineId, shortId } from '../model/ids.ts';

/** The reason of a oneshot that ended well. */
export function finishedOn(machine: MachineId): string {
  return `finished on ${shortId(machine)}`;
}

/** Why a unit stays on a machine that vanished together with most others. */
export function brakedOn(machine: MachineId): string {
  return `machine ${shortId(machine)} vanished with most others; waits for the brake`;
}

/** The reason of a unit that waits because a machine that is away may still run it. */
export function holdWords(machine: MachineId, guard: CopyGuard | undefined): string {
  const seconds = guard === undefined ? '' : ` of ${holdMs(guard) / 1000} s`;
  return `machine ${shortId(machine)} vanished, waits for the hold${seconds} of OnPartition=stop`;
}
