import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { faultsOnDisk } from './faults/inflict.ts';
import { startDetached, startMachine } from './machine-process.ts';
import { bridgeAddress } from './names.ts';
import { ensureBridge, makeMachineNetwork } from './network.ts';
import { isAlive } from './process-table.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { labFolder, writeRecord } from './record.ts';
import { sharedEtcdEnvironment } from './settings.ts';

/** A machine that is not there yet. */
export function newMachine(
  number: number,
  hasEtcd: boolean,
  metadata: string,
  diskSize?: string,
): MachineRecord {
  return {
    name: `m${number}`,
    number,
    id: randomBytes(16).toString('hex'),
    metadata,
    hasEtcd,
    power: 'off',
    process: null,
    ...(diskSize !== undefined && { diskSize }),
  };
}

/** Connects a machine that is off and starts it; returns at once. */
export async function powerOn(record: LabRecord, machine: MachineRecord): Promise<void> {
  machine.power = 'on';
  machine.faults = faultsOnDisk(machine);
  delete machine.cut;
  writeRecord(record);
  await startGround(record);
  await makeMachineNetwork(record.index, machine.number);
  machine.process = startMachine(record, machine);
  writeRecord(record);
}

/** What all machines share: the bridge and, when it is not on them, etcd. */
async function startGround(record: LabRecord): Promise<void> {
  await ensureBridge(record.index);
  startSharedEtcd(record);
}

/** Starts the etcd that is not on the machines, where there is one and it does not run. */
export function startSharedEtcd(record: LabRecord): void {
  if (record.etcd !== 'shared' || isAlive(record.etcdProcess)) return;
  const folder = labFolder(record.name);
  const environment = sharedEtcdEnvironment(bridgeAddress(record.index), join(folder, 'etcd'));
  const log = join(folder, 'etcd.log');
  record.etcdProcess = startDetached(record.name, 'etcd', ['etcd'], log, environment);
  writeRecord(record);
}
