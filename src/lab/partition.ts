import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { setPartitioned } from './network.ts';
import { isAlive } from './process-table.ts';
import { machineNamed, readLab } from './record.ts';
import { labFailed } from './trouble.ts';

/** Cuts a machine off from everything but itself. Packets vanish; nothing is refused or reset. */
export function partitionMachine(context: LabContext, name: string): Promise<void> {
  return set(context, name, true);
}

/** Joins a machine to the network again. A machine that is joined stays so. */
export function healMachine(context: LabContext, name: string): Promise<void> {
  return set(context, name, false);
}

function set(context: LabContext, name: string, isPartitioned: boolean): Promise<void> {
  const purpose = `${isPartitioned ? 'partition' : 'heal'} ${name}`;
  return withLock({ lab: context.lab, purpose }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = machineNamed(record, name);
    if (!isAlive(machine.process)) {
      throw labFailed(`${name} is off`, `'fleetlab boot ${name}' switches it on`);
    }
    await setPartitioned(record.index, machine.number, isPartitioned);
  });
}
