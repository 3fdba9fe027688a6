import { runInside } from './exec.ts';
import { fleetdSocket } from './fleetd-socket.ts';
import { initOf } from './machine-process.ts';
import { machineAddress } from './names.ts';
import { isPartitioned } from './network.ts';
import { isAlive } from './process-table.ts';
import type { Cut, EtcdPlace, LabRecord, MachineRecord } from './record.ts';
import { readLab } from './record.ts';
import { etcdUrls, fleetdUrl } from './settings.ts';

/** What a machine is doing. `killed` is off after a power cut; `partitioned` runs, cut off from anything. */
export type MachineState = 'running' | 'partitioned' | 'killed' | 'off';

/** One machine, as the kernel and its systemd see it now. */
export interface MachineStatus {
  readonly name: string;
  readonly id: string;
  readonly address: string;
  readonly state: MachineState;
  /** What systemd says of fleet.service, such as `active` or `failed`; `-` when off. */
  readonly fleetd: string;
  /** What systemd says of etcd.service; `-` when off, or when no member belongs on it. */
  readonly etcd: string;
  readonly metadata: string;
  /** What is wrong with it on purpose, oldest first. */
  readonly faults: readonly string[];
}

/** One lab. */
export interface LabStatus {
  readonly lab: string;
  readonly etcd: EtcdPlace;
  /** Where etcd answers, members that are down included. */
  readonly etcdEndpoints: readonly string[];
  readonly agentTtl: string;
  readonly machines: readonly MachineStatus[];
}

/** Asks how a lab is now. Throws `lab/failed` when there is none. */
export async function labStatus(lab: string): Promise<LabStatus> {
  const record = readLab(lab);
  return {
    lab,
    etcd: record.etcd,
    etcdEndpoints: etcdUrls(record),
    agentTtl: record.agentTtl,
    machines: await Promise.all(record.machines.map((machine) => machineStatus(record, machine))),
  };
}

/** What the shell of a user must know to reach a lab: variable names and values. */
export async function labEnvironment(lab: string): Promise<Readonly<Record<string, string>>> {
  const record = readLab(lab);
  const { machines } = await labStatus(lab);
  const isRunning = (name: string): boolean =>
    machines.some((machine) => machine.name === name && machine.state === 'running');
  const door = record.machines.find((machine) => isRunning(machine.name)) ?? record.machines[0];
  const members = record.machines.filter((machine) => machine.hasEtcd && isRunning(machine.name));
  const endpoints =
    members.length === 0 ? etcdUrls(record) : etcdUrls({ ...record, machines: members });
  return {
    ...(door && { FLEETCTL_ENDPOINT: endpointOf(record, door) }),
    ETCDCTL_API: '3',
    ETCDCTL_ENDPOINTS: endpoints.join(','),
  };
}

/** A bare machine's fleetd listens at its socket only, unless its configuration says otherwise. */
function endpointOf(record: LabRecord, machine: MachineRecord): string {
  const socket = machine.isBare === true ? fleetdSocket(machine) : null;
  return socket === null ? fleetdUrl(record.index, machine.number) : `unix://${socket}`;
}

async function machineStatus(record: LabRecord, machine: MachineRecord): Promise<MachineStatus> {
  const state = await stateOf(record, machine);
  const isOn = state === 'running' || state === 'partitioned';
  const [fleetd = '-', etcd = '-'] = isOn ? await askSystemd(machine) : [];
  return {
    name: machine.name,
    id: machine.id,
    address: machineAddress(record.index, machine.number),
    state,
    fleetd,
    etcd: machine.hasEtcd || machine.isBare === true ? etcd : '-',
    metadata: machine.metadata,
    faults: [...(machine.faults ?? []), ...(machine.cut ? [cutWords(machine.cut)] : [])],
  };
}

/** Such as `cut-from-etcd`, `cut-from-all-in-refused`. */
function cutWords({ from, direction, isRefused }: Cut): string {
  const way = direction === 'both' ? '' : `-${direction}`;
  return `cut-from-${from}${way}${isRefused ? '-refused' : ''}`;
}

async function stateOf(record: LabRecord, machine: MachineRecord): Promise<MachineState> {
  // A machine that was told nothing but runs no more was shut down from inside.
  if (!isAlive(machine.process)) return machine.power === 'killed' ? 'killed' : 'off';
  if (machine.cut !== undefined) return 'partitioned';
  return (await isPartitioned(record.index, machine.number)) ? 'partitioned' : 'running';
}

async function askSystemd(machine: MachineRecord): Promise<readonly string[]> {
  if (initOf(machine) === null) return [];
  const { stdout } = await runInside(machine, [
    'systemctl',
    'is-active',
    'fleet.service',
    'etcd.service',
  ]);
  return stdout.trim().split('\n');
}
