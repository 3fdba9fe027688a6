import { etcdctl } from './etcd-store.ts';
import { runInside } from './exec.ts';
import type { LabContext } from './lab.ts';
import { machineAddress } from './names.ts';
import { isAlive } from './process-table.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { readLab } from './record.ts';
import { run } from './run.ts';
import { etcdUrls } from './settings.ts';
import { labFailed } from './trouble.ts';
import { throwIfInterrupted } from './until.ts';

/** What etcdctl says of one member; ids are larger than JavaScript's numbers, and only compared. */
interface EndpointStatus {
  readonly Endpoint: string;
  readonly Status: { readonly header: { readonly member_id: string }; readonly leader: string };
}

/** The machine whose etcd member leads; null while none does. */
export async function etcdLeader(record: LabRecord): Promise<MachineRecord | null> {
  const members = record.machines.filter(({ hasEtcd, process }) => hasEtcd && isAlive(process));
  const words = ['endpoint', 'status', '-w', 'json', '--command-timeout=1s'];
  const { stdout } = await run([...etcdctl(etcdUrls({ ...record, machines: members })), ...words]);
  const text = stdout.trim().replace(/"(member_id|leader)":(\d+)/g, '"$1":"$2"');
  const known = (text === '' ? [] : JSON.parse(text)) as readonly EndpointStatus[];
  const leading = known.find(({ Status: { header, leader } }) => header.member_id === leader);
  const isIts = ({ number }: MachineRecord): boolean =>
    leading?.Endpoint.includes(`//${machineAddress(record.index, number)}:`) === true;
  return members.find(isIts) ?? null;
}

/**
 * Kills whichever member of etcd leads, again and again for that long; each is started again by its
 * systemd. Returns how many leaders were killed.
 */
export async function killEtcdLeaders(context: LabContext, forMs: number): Promise<number> {
  const record = readLab(context.lab);
  if (record.etcd === 'shared') {
    throw labFailed('one shared etcd has no leader to lose', "'up --etcd per-machine' has three");
  }
  const endMs = performance.now() + forMs;
  let killedCount = 0;
  while (performance.now() < endMs) {
    throwIfInterrupted(context.signal);
    const leader = await etcdLeader(record);
    if (leader === null) continue;
    await runInside(leader, ['systemctl', 'kill', '--signal=KILL', 'etcd.service']);
    killedCount += 1;
    context.say(`${leader.name}: the leader of etcd was killed`);
  }
  return killedCount;
}
