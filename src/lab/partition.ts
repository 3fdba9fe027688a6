import { applyCut, removeCut } from './faults/cut.ts';
import { knownFault } from './faults/inflict.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { setPartitioned } from './network.ts';
import { isAlive } from './process-table.ts';
import type { Cut } from './record.ts';
import { machineNamed, readLab, writeRecord } from './record.ts';
import { labFailed } from './trouble.ts';

const everything: Cut = { from: 'all', direction: 'both', isRefused: false };

/**
 * Cuts a machine off from everything but itself, unless `cut` says from less. Packets vanish, and
 * nothing is refused or reset, unless it says so. A later cut takes the place of an earlier one.
 */
export function partitionMachine(
  context: LabContext,
  name: string,
  cut: Cut = everything,
): Promise<void> {
  return withLock({ lab: context.lab, purpose: `partition ${name}` }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = machineNamed(record, name);
    if (!isAlive(machine.process)) {
      throw labFailed(`${name} is off`, `'fleetlab boot ${name}' switches it on`);
    }
    const isWhole = cut.from === 'all' && cut.direction === 'both' && !cut.isRefused;
    if (isWhole) await removeCut(record, machine);
    else await applyCut(record, machine, cut);
    writeRecord(record);
    // The bridge can do the whole without help, on computers without nft as well.
    await setPartitioned(record.index, machine.number, isWhole);
  });
}

/**
 * Undoes one fault of a machine, or all of them and its being cut off, the last one first. A
 * machine that has none stays as it is.
 */
export function healMachine(
  context: LabContext,
  name: string,
  faultName: string | null = null,
): Promise<void> {
  return withLock({ lab: context.lab, purpose: `heal ${name}` }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = machineNamed(record, name);
    if (!isAlive(machine.process)) {
      throw labFailed(`${name} is off`, `'fleetlab boot ${name}' switches it on`);
    }
    if (faultName === null || faultName === 'partition') {
      await removeCut(record, machine);
      await setPartitioned(record.index, machine.number, false);
      writeRecord(record);
    }
    const noted = (machine.faults ?? []).toReversed();
    for (const one of noted.filter((each) => faultName === null || each === faultName)) {
      await knownFault(one).heal?.({ record, machine, say: context.say });
      machine.faults = (machine.faults ?? []).filter((other) => other !== one);
      writeRecord(record);
    }
  });
}
