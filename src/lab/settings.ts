import { bridgeAddress, labLimits, machineAddress, ports } from './names.ts';
import type { LabRecord, MachineRecord } from './record.ts';

/** The name of the one member of a shared etcd. */
export const sharedMember = 'shared';

/** The text of a machine's /etc/fleet/fleet.conf. Its own etcd member comes first. */
export function fleetConf(lab: LabRecord, machine: MachineRecord): string {
  const own = clientUrl(machineAddress(lab.index, machine.number));
  const urls = etcdUrls(lab).toSorted((a, b) => Number(b === own) - Number(a === own));
  return [
    `etcd_servers=${JSON.stringify(urls)}`,
    `public_ip="${machineAddress(lab.index, machine.number)}"`,
    `agent_ttl="${lab.agentTtl}"`,
    `metadata="${machine.metadata}"`,
    `api_listen="unix:///run/fleet.sock,tcp://0.0.0.0:${ports.fleetd}"`,
    // The network of the lab ends at its bridge: nobody but this computer can reach the port.
    'insecure_tcp=true',
    '',
  ].join('\n');
}

/** The environment of a machine's etcd member; the members of a lab start as one new cluster. */
export function etcdEnvironment(lab: LabRecord, machine: MachineRecord): string {
  const address = machineAddress(lab.index, machine.number);
  return environmentFile({
    ETCD_NAME: machine.name,
    ETCD_DATA_DIR: memberDataFolder(lab, machine),
    ETCD_LISTEN_CLIENT_URLS: `${clientUrl(address)},${clientUrl('127.0.0.1')}`,
    ETCD_ADVERTISE_CLIENT_URLS: clientUrl(address),
    ETCD_LISTEN_PEER_URLS: peerUrl(address),
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl(address),
    ETCD_INITIAL_CLUSTER: initialCluster(lab),
    ETCD_INITIAL_CLUSTER_STATE: 'new',
    ETCD_INITIAL_CLUSTER_TOKEN: clusterToken(lab),
  });
}

/** Where a machine's member keeps its data. */
export function memberDataFolder(lab: LabRecord, machine: MachineRecord): string {
  // Not the folder of units/etcd.service: this computer's own etcd may have left one there.
  return `/var/lib/etcd/${lab.name}-${machine.id}`;
}

/** Where a machine's member is reached by the others. */
export function peerUrlOf(lab: LabRecord, machine: MachineRecord): string {
  return peerUrl(machineAddress(lab.index, machine.number));
}

/** All members with their peer URLs, as etcd's `--initial-cluster` reads them. */
export function initialCluster(lab: LabRecord): string {
  if (lab.etcd === 'shared') return `${sharedMember}=${peerUrl(bridgeAddress(lab.index))}`;
  const members = lab.machines.filter((member) => member.hasEtcd);
  return members.map((member) => `${member.name}=${peerUrlOf(lab, member)}`).join(',');
}

/** Tells the clusters of two labs apart, should their members ever meet. */
export function clusterToken(lab: LabRecord): string {
  return `flotilla-${lab.name}`;
}

/** The environment of the one etcd that runs on the computer itself, for `--etcd shared`. */
export function sharedEtcdEnvironment(
  address: string,
  dataFolder: string,
): Readonly<Record<string, string>> {
  return {
    ETCD_NAME: sharedMember,
    ETCD_DATA_DIR: dataFolder,
    ETCD_AUTO_COMPACTION_MODE: 'periodic',
    ETCD_AUTO_COMPACTION_RETENTION: '1h',
    ETCD_QUOTA_BACKEND_BYTES: '2147483648',
    ETCD_LISTEN_CLIENT_URLS: clientUrl(address),
    ETCD_ADVERTISE_CLIENT_URLS: clientUrl(address),
    ETCD_LISTEN_PEER_URLS: peerUrl(address),
    ETCD_INITIAL_ADVERTISE_PEER_URLS: peerUrl(address),
    ETCD_INITIAL_CLUSTER: `${sharedMember}=${peerUrl(address)}`,
  };
}

/** Where the lab's etcd answers its clients. */
export function etcdUrls(lab: LabRecord): readonly string[] {
  if (lab.etcd === 'shared') return [clientUrl(bridgeAddress(lab.index))];
  return lab.machines
    .filter((machine) => machine.hasEtcd)
    .map((machine) => clientUrl(machineAddress(lab.index, machine.number)));
}

/** Where the fleetd of a machine answers. */
export function fleetdUrl(labIndex: number, machineNumber: number): string {
  return `http://${machineAddress(labIndex, machineNumber)}:${ports.fleetd}`;
}

/** A machine's /etc/hosts: it and all that may join later, by their names. */
export function hostsFile(labIndex: number): string {
  const lines = Array.from({ length: labLimits.machineCountMax }, (_none, position) => {
    return `${machineAddress(labIndex, position + 1)} m${position + 1}`;
  });
  return ['127.0.0.1 localhost', '::1 localhost', ...lines, ''].join('\n');
}

/** Lines of NAME=VALUE as systemd's EnvironmentFile= reads them. */
function environmentFile(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function clientUrl(address: string): string {
  return `http://${address}:${ports.etcdClient}`;
}

function peerUrl(address: string): string {
  return `http://${address}:${ports.etcdPeer}`;
}
