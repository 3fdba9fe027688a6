import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { groupsOf, processesIn } from './cgroup.ts';
import { runInside } from './exec.ts';
import { pathInside } from './faults/fault.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { startSharedEtcd } from './power-on.ts';
import { sendSignal } from './process-table.ts';
import { etcdHealthy } from './ready.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { labFolder, readLab } from './record.ts';
import { run, runOk } from './run.ts';
import {
  clusterToken,
  etcdUrls,
  initialCluster,
  memberDataFolder,
  peerUrlOf,
  sharedMember,
} from './settings.ts';
import { labFailed } from './trouble.ts';

/** One member of the lab's etcd, as this computer reaches it. */
interface Member {
  readonly name: string;
  readonly peerUrl: string;
  /** Its data directory, as a path of this computer. */
  readonly data: string;
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
  /** Which cluster it would start, had it no data. */
  readonly setToken: (token: string) => Promise<void>;
}

/** Saves all that etcd holds, while it works, and returns the file. */
export function backupEtcd(context: LabContext, name: string): Promise<string> {
  return withStore(context, 'backup', async (record) => {
    const file = backupPath(record.name, name);
    mkdirSync(join(file, '..'), { recursive: true, mode: 0o700 });
    const saved = await anyMember(record, ['snapshot', 'save', file]);
    if (!saved) throw labFailed('no member of etcd could be read', "'fleetlab status' shows them");
    return file;
  });
}

/**
 * Puts etcd back to a backup, as an operator would: every member is stopped, its data replaced, and
 * a new cluster started from them. Revisions go back to those of the backup.
 */
export function restoreEtcd(context: LabContext, name: string): Promise<void> {
  return withStore(context, 'restore', async (record, members) => {
    const file = backupPath(record.name, name);
    if (!existsSync(file)) {
      throw labFailed(`there is no backup '${name}'`, `'fleetlab etcd backup ${name}' makes one`);
    }
    await replaceData(record, members, async (member) => {
      await runOk(['rm', '-rf', member.data]);
      await runOk([
        ...etcdctl([]),
        ...['snapshot', 'restore', file, '--name', member.name, '--data-dir', member.data],
        ...['--initial-cluster', initialCluster(record)],
        ...['--initial-advertise-peer-urls', member.peerUrl],
        ...['--initial-cluster-token', clusterToken(record)],
      ]);
      if (record.etcd === 'per-machine') await runOk(['chown', '-R', 'etcd:etcd', member.data]);
    });
  });
}

/** Removes all that etcd holds: the members start as a new, empty cluster. */
export function emptyEtcd(context: LabContext): Promise<void> {
  return withStore(context, 'empty', async (record, members) => {
    await replaceData(record, members, async (member) => {
      await runOk(['rm', '-rf', member.data]);
      await member.setToken(clusterToken(record));
    });
  });
}

/** Puts another cluster's etcd, an empty one, behind the same addresses; the data is kept aside. */
export function strangeEtcd(context: LabContext): Promise<void> {
  return withStore(context, 'stranger', async (record, members) => {
    if (members.some(({ data }) => existsSync(ownData(data)))) {
      throw labFailed('a stranger is there already', "'fleetlab etcd own' brings the own one back");
    }
    await replaceData(record, members, async (member) => {
      await runOk(['mv', member.data, ownData(member.data)]);
      await member.setToken(`stranger-${record.name}`);
    });
  });
}

/** Ends `strangeEtcd`: the lab's own etcd is back, as it was. */
export function ownEtcd(context: LabContext): Promise<void> {
  return withStore(context, 'own', async (record, members) => {
    if (members.every(({ data }) => !existsSync(ownData(data)))) {
      throw labFailed('the etcd is the own one', "'fleetlab etcd stranger' puts another there");
    }
    await replaceData(record, members, async (member) => {
      if (!existsSync(ownData(member.data))) return;
      await runOk(['rm', '-rf', member.data]);
      await runOk(['mv', ownData(member.data), member.data]);
      await member.setToken(clusterToken(record));
    });
  });
}

/** The words that call etcdctl for those endpoints. */
export function etcdctl(endpoints: readonly string[]): readonly string[] {
  const where = endpoints.length === 0 ? [] : [`ETCDCTL_ENDPOINTS=${endpoints.join(',')}`];
  return ['env', 'ETCDCTL_API=3', ...where, 'etcdctl', '--command-timeout=5s'];
}

function ownData(data: string): string {
  return `${data}.own`;
}

function backupPath(lab: string, name: string): string {
  if (!/^[\w.-]{1,60}$/.test(name) || /^\.+$/.test(name)) {
    throw labFailed(
      `'${name}' is no name for a backup`,
      'letters, digits, dots and dashes will do',
    );
  }
  return join(labFolder(lab), 'backups', `${name}.db`);
}

function withStore<T>(
  context: LabContext,
  verb: string,
  work: (record: LabRecord, members: readonly Member[]) => Promise<T>,
): Promise<T> {
  return withLock({ lab: context.lab, purpose: `etcd ${verb}` }, context.say, async () => {
    const record = readLab(context.lab);
    const members =
      record.etcd === 'shared'
        ? [sharedOne(record)]
        : record.machines.filter(({ hasEtcd }) => hasEtcd).map((each) => memberOn(record, each));
    return work(record, members);
  });
}

/** Does `replace` to each member's data while none of them runs, and waits until they are well. */
async function replaceData(
  record: LabRecord,
  members: readonly Member[],
  replace: (member: Member) => Promise<void>,
): Promise<void> {
  await Promise.all(members.map((member) => member.stop()));
  await Promise.all(members.map(replace));
  await Promise.all(members.map((member) => member.start()));
  await etcdHealthy(record);
}

/** Does that with the first member that can; false when none could. */
async function anyMember(record: LabRecord, words: readonly string[]): Promise<boolean> {
  for (const url of etcdUrls(record)) {
    if ((await run([...etcdctl([url]), ...words])).status === 0) return true;
  }
  return false;
}

function memberOn(record: LabRecord, machine: MachineRecord): Member {
  const systemctl = async (...words: readonly string[]): Promise<void> => {
    await runInside(machine, ['systemctl', ...words, 'etcd.service']);
  };
  const environment = pathInside(machine, '/etc/fleet/etcd.env');
  return {
    name: machine.name,
    peerUrl: peerUrlOf(record, machine),
    data: pathInside(machine, memberDataFolder(record, machine)),
    // Killed at once: a member that leaves in good order takes seconds when the others leave too.
    stop: async () => {
      await systemctl('kill', '--signal=KILL');
      await systemctl('stop');
    },
    start: () => systemctl('start'),
    setToken: async (token) => {
      const set = (name: string, value: string): string => `s/^(${name})=.*/\\1=${value}/`;
      const state = set('ETCD_INITIAL_CLUSTER_STATE', 'new');
      const script = `${set('ETCD_INITIAL_CLUSTER_TOKEN', token)};${state}`;
      await runOk(['sed', '-E', '-i', script, environment]);
    },
  };
}

function sharedOne(record: LabRecord): Member {
  return {
    name: sharedMember,
    peerUrl: initialCluster(record).replace(`${sharedMember}=`, ''),
    data: join(labFolder(record.name), 'etcd'),
    stop: async () => {
      for (const pid of processesIn(groupsOf(record.name, 'etcd'))) sendSignal(pid, 'SIGKILL');
      record.etcdProcess = null;
    },
    start: async () => startSharedEtcd(record),
    // One member cannot take another cluster's for its own.
    setToken: async () => undefined,
  };
}
