import { makeDisk } from './disk.ts';
import { runInside } from './exec.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { cutPower, initStarted, machineEnded } from './machine-process.ts';
import { labLimits, parseMachineName } from './names.ts';
import { removeMachineNetwork, unplug } from './network.ts';
import { newMachine, powerOn } from './power-on.ts';
import { isAlive } from './process-table.ts';
import { findCheckout, hasFleetd } from './programs.ts';
import { machineBooted, machinesListed } from './ready.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { machineNamed, readLab, writeRecord } from './record.ts';
import { readHostSystem } from './system-units.ts';
import { labFailed } from './trouble.ts';

const limits = { shutdownMs: 120_000 } as const;

/** A power cut: the machine is gone at once, with no word to anybody. Returns when it is. */
export function killMachine(context: LabContext, name: string): Promise<void> {
  return withMachine(context, `kill ${name}`, name, async (record, machine) => {
    requireOn(machine);
    machine.power = 'killed';
    writeRecord(record);
    await unplug(record.index, machine.number);
    await cutPower(record, machine);
    await removeMachineNetwork(record.index, machine.number);
  });
}

/** A clean shutdown. Returns when the machine is off; throws `lab/failed` after two minutes. */
export function poweroffMachine(context: LabContext, name: string): Promise<void> {
  return withMachine(context, `poweroff ${name}`, name, async (record, machine) => {
    requireOn(machine);
    await initStarted(record, machine, context.signal);
    machine.power = 'off';
    writeRecord(record);
    // Its answer may be lost: the machine ends under it.
    await runInside(machine, ['systemctl', 'poweroff', '--no-wall']);
    await machineEnded(record, machine, limits.shutdownMs);
    await removeMachineNetwork(record.index, machine.number);
  });
}

/**
 * Switches a machine on again, with the disk it had. Returns when its systemd runs and its fleetd
 * lists it; when only the latter does not come, says so and returns.
 */
export function bootMachine(context: LabContext, name: string): Promise<void> {
  return withMachine(context, `boot ${name}`, name, async (record, machine) => {
    if (isAlive(machine.process)) {
      throw labFailed(`${name} is on already`, "'fleetlab status' shows the machines");
    }
    await machineEnded(record, machine, limits.shutdownMs);
    await powerOn(record, machine);
    await settled(context, record, machine);
  });
}

/** Boots one more machine, `mN` with the next free number unless named. Returns its name. */
export function addMachine(
  context: LabContext,
  name: string | null = null,
  metadata = '',
  diskSize?: string,
): Promise<string> {
  return withLock({ lab: context.lab, purpose: 'add' }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = newMachine(freeNumber(record, name), false, metadata, diskSize);
    record.machines = [...record.machines, machine].toSorted((a, b) => a.number - b.number);
    writeRecord(record);
    await makeDisk(record, machine, { checkout: findCheckout(), host: readHostSystem() });
    await powerOn(record, machine);
    await settled(context, record, machine);
    return machine.name;
  });
}

/** Waits until a machine that was switched on runs, and is in the cluster. */
async function settled(
  context: LabContext,
  record: LabRecord,
  machine: MachineRecord,
): Promise<void> {
  context.say(`${machine.name} started`);
  const state = await machineBooted(record, machine, context.signal);
  context.say(`${machine.name}: systemd ${state}`);
  if (machine.isBare !== true && !hasFleetd(findCheckout())) return;
  await machinesListed(record, machine, [machine], context.signal);
  context.say(`${machine.name} is in the cluster`);
}

function withMachine(
  context: LabContext,
  purpose: string,
  name: string,
  work: (record: LabRecord, machine: MachineRecord) => Promise<void>,
): Promise<void> {
  return withLock({ lab: context.lab, purpose }, context.say, async () => {
    const record = readLab(context.lab);
    await work(record, machineNamed(record, name));
  });
}

function requireOn(machine: MachineRecord): void {
  if (isAlive(machine.process)) return;
  throw labFailed(`${machine.name} is off already`, `'fleetlab boot ${machine.name}' changes that`);
}

/** The number of a machine that is added: the next free one, or what its name says. */
export function freeNumber(record: LabRecord, name: string | null): number {
  const taken = new Set(record.machines.map((machine) => machine.number));
  if (name === null) {
    const numbers = Array.from({ length: labLimits.machineCountMax }, (_none, index) => index + 1);
    const free = numbers.find((number) => !taken.has(number));
    if (free !== undefined) return free;
    throw labFailed(`the lab is full: ${taken.size} machines`, "'fleetlab down', then 'up'");
  }
  const number = parseMachineName(name);
  if (!number.ok) throw labFailed(number.error, "such as 'fleetlab add m4'");
  if (!taken.has(number.value)) return number.value;
  throw labFailed(`there is a machine '${name}' already`, 'choose another name, or none');
}
