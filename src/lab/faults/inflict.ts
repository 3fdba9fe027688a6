import type { LabContext } from '../lab.ts';
import { withLock } from '../lock.ts';
import { isAlive } from '../process-table.ts';
import type { MachineRecord } from '../record.ts';
import { machineNamed, readLab, writeRecord } from '../record.ts';
import { labFailed } from '../trouble.ts';
import type { Fault } from './fault.ts';
import { faultNamed, faults } from './fault-list.ts';

/**
 * Brings a fault about on each of those machines, on all at the same time. It is noted before it is
 * begun: `healMachine` also undoes what was interrupted.
 */
export function inflictFault(
  context: LabContext,
  faultName: string,
  machineNames: readonly string[],
): Promise<void> {
  const purpose = `fault ${faultName} ${machineNames.join(' ')}`;
  return withLock({ lab: context.lab, purpose }, context.say, async () => {
    const fault = knownFault(faultName);
    const record = readLab(context.lab);
    const machines = machineNames.map((name) => machineNamed(record, name));
    for (const machine of machines) {
      requirePossible(fault, machine);
      fault.require?.({ record, machine, say: context.say });
    }
    for (const machine of machines) {
      if (fault.heal !== null) machine.faults = [...(machine.faults ?? []), fault.name];
    }
    writeRecord(record);
    await Promise.all(
      machines.map((machine) => fault.inflict({ record, machine, say: context.say })),
    );
  });
}

/** The faults that a machine still has after it lost its power. */
export function faultsOnDisk(machine: MachineRecord): string[] {
  return (machine.faults ?? []).filter((name) => faultNamed(name)?.isOnDisk === true);
}

/** The fault of that name; throws `lab/failed` for none. */
export function knownFault(name: string): Fault {
  const fault = faultNamed(name);
  if (fault !== undefined) return fault;
  throw labFailed(
    `there is no fault '${name}'`,
    `there are ${faults.map((each) => each.name).join(', ')}`,
  );
}

function requirePossible(fault: Fault, machine: MachineRecord): void {
  const { name } = machine;
  if (!isAlive(machine.process)) {
    throw labFailed(`${name} is off`, `'fleetlab boot ${name}' switches it on`);
  }
  if (fault.needsEtcd === true && !machine.hasEtcd) {
    throw labFailed(
      `${name} has no etcd member`,
      "members are on m1 to m3 of '--etcd per-machine'",
    );
  }
  if (machine.faults?.includes(fault.name) === true) {
    throw labFailed(`${name} has the fault ${fault.name} already`, `'fleetlab heal ${name}' first`);
  }
}
