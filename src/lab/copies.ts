import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { makeDisk } from './disk.ts';
import { placeFolder } from './disk-file.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { cutPower } from './machine-process.ts';
import { removeMachineNetwork, unplug } from './network.ts';
import { freeNumber } from './power.ts';
import { newMachine, powerOn } from './power-on.ts';
import { isAlive } from './process-table.ts';
import { findCheckout } from './programs.ts';
import { machineBooted } from './ready.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { labFolder, machineFolder, machineNamed, readLab, writeRecord } from './record.ts';
import { run, runOk } from './run.ts';
import { readHostSystem } from './system-units.ts';
import { labFailed } from './trouble.ts';

/** Copies the disk of a machine that is off, in place of an earlier copy. */
export function copyMachine(context: LabContext, name: string): Promise<void> {
  return withOff(context, `copy ${name}`, name, async (record) => {
    const copy = copyFolder(record.name, name);
    await runOk(['rm', '-rf', copy]);
    placeFolder(join(copy, '..'), '/');
    await runOk(['cp', '-a', '--reflink=auto', diskOf(record, name), `${copy}.new`]);
    await runOk(['mv', `${copy}.new`, copy]);
  });
}

/** Gives a machine that is off the disk that was copied, as a restored image would. */
export function restoreMachine(context: LabContext, name: string): Promise<void> {
  return withOff(context, `restore ${name}`, name, async (record) => {
    const copy = copyFolder(record.name, name);
    if (!existsSync(copy)) {
      throw labFailed(`there is no copy of ${name}`, `'fleetlab copy ${name}' makes one`);
    }
    const disk = diskOf(record, name);
    await runOk(['rm', '-rf', disk]);
    await runOk(['cp', '-a', '--reflink=auto', copy, disk]);
  });
}

/**
 * Boots one more machine that has the machine-id of another, as images are cloned by mistake.
 * Returns its name when its systemd runs; its fleetd is not waited for.
 */
export function cloneMachine(context: LabContext, name: string): Promise<string> {
  return withLock({ lab: context.lab, purpose: `clone ${name}` }, context.say, async () => {
    const record = readLab(context.lab);
    const original = machineNamed(record, name);
    const fresh = newMachine(freeNumber(record, null), false, original.metadata, original.diskSize);
    const machine = { ...fresh, id: original.id };
    record.machines = [...record.machines, machine].toSorted((a, b) => a.number - b.number);
    writeRecord(record);
    await makeDisk(record, machine, { checkout: findCheckout(), host: readHostSystem() });
    await powerOn(record, machine);
    context.say(`${machine.name}: systemd ${await machineBooted(record, machine, context.signal)}`);
    return machine.name;
  });
}

/** Cuts the power of a machine without an etcd member and removes its disk: it never was. */
export function removeMachine(context: LabContext, name: string): Promise<void> {
  return withLock({ lab: context.lab, purpose: `remove ${name}` }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = machineNamed(record, name);
    if (machine.hasEtcd) {
      throw labFailed(`${name} has a member of etcd`, 'only machines without one can be removed');
    }
    if (isAlive(machine.process)) await unplug(record.index, machine.number);
    await cutPower(record, machine);
    await removeMachineNetwork(record.index, machine.number);
    const folder = machineFolder(record.name, name);
    if (machine.diskSize !== undefined) await run(['umount', '--lazy', folder]);
    await runOk(['rm', '-rf', '--one-file-system', '--', folder, copyFolder(record.name, name)]);
    record.machines = record.machines.filter((other) => other.name !== name);
    writeRecord(record);
  });
}

function copyFolder(lab: string, name: string): string {
  return join(labFolder(lab), 'copies', name);
}

function diskOf(record: LabRecord, name: string): string {
  return join(machineFolder(record.name, name), 'upper');
}

function withOff(
  context: LabContext,
  purpose: string,
  name: string,
  work: (record: LabRecord, machine: MachineRecord) => Promise<void>,
): Promise<void> {
  return withLock({ lab: context.lab, purpose }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = machineNamed(record, name);
    if (isAlive(machine.process)) {
      throw labFailed(`${name} is on: its disk changes`, `'fleetlab poweroff ${name}' first`);
    }
    await work(record, machine);
  });
}
