import { readFileSync } from 'node:fs';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import { makeBareDisk } from './bare-disk.ts';
import { cloudConfigApplied } from './cloud-init.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { freeNumber } from './power.ts';
import { newMachine, powerOn } from './power-on.ts';
import { findCheckout } from './programs.ts';
import { machinesListed } from './ready.ts';
import { type MachineRecord, machineNamed, readLab, writeRecord } from './record.ts';
import { run } from './run.ts';
import { readHostSystem } from './system-units.ts';
import { labFailed } from './trouble.ts';

/** What a bare machine is given. */
export interface BareOptions {
  /** `mN`; null: the next one that is free. */
  readonly name?: string | null;
  /** The file with its user-data. */
  readonly userDataPath: string;
  readonly diskSize?: string;
}

/** A bare machine that was switched on. */
export interface StartedMachine {
  readonly name: string;
  /** On the monotonic clock. */
  readonly startedAtMs: number;
}

/** Switches on a machine that has nothing of ours, with that user-data; returns at once. */
export async function startBareMachine(
  context: LabContext,
  { name = null, userDataPath, diskSize }: BareOptions,
): Promise<StartedMachine> {
  const userData = await checkedUserData(userDataPath);
  return withLock({ lab: context.lab, purpose: 'add' }, context.say, async () => {
    const record = readLab(context.lab);
    const machine: MachineRecord = {
      ...newMachine(freeNumber(record, name), false, '', diskSize),
      isBare: true,
    };
    record.machines = [...record.machines, machine].toSorted((a, b) => a.number - b.number);
    writeRecord(record);
    const source = { checkout: findCheckout(), host: readHostSystem(), userData };
    await makeBareDisk(record, machine, source);
    const startedAtMs = systemClock.nowMs();
    await powerOn(record, machine);
    context.say(`${machine.name} started, with nothing of ours`);
    return { name: machine.name, startedAtMs };
  });
}

/**
 * Waits until cloud-init is done and the machine's fleetd lists it; returns how long that took from
 * power-on. Throws `lab/failed` with the words of what went wrong; the machine stays as it is.
 */
export async function bareMachineListed(
  context: LabContext,
  { name, startedAtMs }: StartedMachine,
): Promise<number> {
  const record = readLab(context.lab);
  const machine = machineNamed(record, name);
  await cloudConfigApplied(context, record, machine);
  await machinesListed(record, machine, [machine], context.signal);
  const tookMs = systemClock.nowMs() - startedAtMs;
  context.say(`${name} is in the cluster, ${(tookMs / 1000).toFixed(1)} s after power-on`);
  return tookMs;
}

/** What cloud-init itself would pass over with a warning in its log is refused here. */
async function checkedUserData(path: string): Promise<string> {
  const text = readText(path);
  if (!text.startsWith('#cloud-config\n')) return text;
  const checked = await run(['cloud-init', 'schema', '--config-file', path]);
  if (checked.status === 0) return text;
  const words = `${checked.stdout}\n${checked.stderr}`.trim();
  throw labFailed(`${path} is not valid user-data\n${words}`, 'correct it; nothing was changed');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw labFailed(`the user-data cannot be read: ${messageOf(error)}`, 'name a file there is');
  }
}
