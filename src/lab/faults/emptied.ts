import { run, runOk } from '../run.ts';
import { etcdUrls, memberDataFolder, peerUrlOf } from '../settings.ts';
import { labFailed } from '../trouble.ts';
import type { Fault, FaultSite } from './fault.ts';
import { inside } from './fault.ts';

/** A member that lost its disk cannot just come back: it has to be removed and added. */
export const emptiedFaults: readonly Fault[] = [
  {
    name: 'etcd-emptied',
    about: "etcd is killed and its data directory emptied; 'heal' removes and adds the member",
    needsEtcd: true,
    isOnDisk: true,
    inflict: async (site) => {
      const { record, machine } = site;
      const kill = 'systemctl kill --signal=KILL etcd.service || true; systemctl stop etcd.service';
      await inside(site, `${kill}; rm -rf ${memberDataFolder(record, machine)}`);
      await inside(site, 'systemctl start --no-block etcd.service');
    },
    heal: rejoin,
  },
];

/** What an operator does: the others forget the member, expect a new one, and it joins them. */
async function rejoin(site: FaultSite): Promise<void> {
  const { record, machine } = site;
  const others = record.machines.filter(
    (member) => member.hasEtcd && member.name !== machine.name && member.process !== null,
  );
  const endpoints = etcdUrls({ ...record, machines: others }).join(',');
  const etcdctl = ['env', 'ETCDCTL_API=3', `ETCDCTL_ENDPOINTS=${endpoints}`, 'etcdctl'];
  await inside(site, 'systemctl stop etcd.service');
  const listed = await run([...etcdctl, 'member', 'list']);
  if (listed.status !== 0) {
    throw labFailed(
      `${machine.name}: the other members have no quorum, so none can be added`,
      `'fleetlab etcd restore' makes a cluster from a backup: ${listed.stderr.trim()}`,
    );
  }
  const peer = peerUrlOf(record, machine);
  const lines = listed.stdout.split('\n');
  const known = lines.find((line) => line.includes(peer))?.split(',')[0];
  if (known !== undefined) await runOk([...etcdctl, 'member', 'remove', known]);
  await runOk([...etcdctl, 'member', 'add', machine.name, `--peer-urls=${peer}`]);
  const state = 's/^ETCD_INITIAL_CLUSTER_STATE=.*/ETCD_INITIAL_CLUSTER_STATE=existing/';
  await inside(site, `sed -i '${state}' /etc/fleet/etcd.env`);
  await inside(site, `rm -rf ${memberDataFolder(record, machine)}; systemctl start etcd.service`);
}
