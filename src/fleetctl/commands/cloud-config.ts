import type { JoiningBody } from '../../api/schema.ts';
import { type Asked, isJoining, readAsked } from '../cloud-config/read-flags.ts';
import { roles, type UserData, userData } from '../cloud-config/user-data.ts';
import type { Command, Context } from '../command.ts';
import { CommandError } from '../command-error.ts';

/** `fleetctl cloud-config`: user-data with which a bare machine becomes part of this cluster. */
export const cloudConfig: Command = {
  name: 'cloud-config',
  summary: 'print user-data that makes a bare machine a part of this cluster',
  description:
    'Prints user-data for cloud-init: a machine that boots with it installs fleetd and joins the ' +
    'cluster that is asked, by itself. Roles: proxy, a machine without an etcd of its own; member, ' +
    'which also joins etcd; first-node and single-node, which begin a new cluster, so that none is ' +
    'asked. docs/operating/growing.md tells which to take.',
  operand: null,
  flags: [
    { usage: '--role <role>', what: 'what the machine is to be (default: proxy)', values: roles },
    {
      usage: '--etcd <url...>',
      what: 'where the etcd of the cluster answers (default: all its members)',
    },
    { usage: '--metadata <key=value...>', what: 'of the machine, for MachineMetadata= of units' },
    { usage: '--ssh-key <file...>', what: 'public keys of those who may log in' },
    {
      usage: '--package <url>',
      what: 'the .deb: a URL, or a path that it has on the machine (default: apt finds it)',
    },
  ],
  examples: [
    'fleetctl cloud-config --package https://HOST/flotilla.deb > worker.yaml',
    'fleetctl cloud-config --role member --metadata region=eu --metadata disk=ssd',
    'fleetctl cloud-config --etcd http://10.0.0.11:2379 --ssh-key ~/.ssh/id_ed25519.pub',
    'fleetctl cloud-config --role first-node --package /opt/flotilla.deb > first.yaml',
  ],
  async run(context, _operands, flags) {
    const asked = readAsked(flags);
    const fleet = isJoining(asked.role) ? await ofCluster(context, asked) : ofItsOwn;
    context.screen.write(userData({ ...asked, ...fleet, isExample: false }));
    return 0;
  },
};

type OfFleet = Pick<UserData, 'etcdServers' | 'settings'>;

const ofItsOwn: OfFleet = { etcdServers: [], settings: null };

async function ofCluster(context: Context, { role, etcdServers }: Asked): Promise<OfFleet> {
  const joining = await context.client().getJoining();
  const servers = etcdServers ?? reachable(joining);
  if (role === 'member' && servers.some((url) => url.startsWith('https:'))) {
    throw new CommandError('a member of an etcd with TLS is set up by hand', {
      hint: 'docs/operating/growing.md has the steps; --role proxy works with TLS',
    });
  }
  return { etcdServers: servers, settings: joining };
}

/** What etcd tells of itself, but for what means another machine on each one. */
function reachable({ etcdServers }: JoiningBody): readonly string[] {
  const isLoopback = /^https?:\/\/(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/;
  const others = etcdServers.filter((url) => !isLoopback.test(url));
  if (others.length > 0) return others;
  throw new CommandError(
    `other machines cannot reach this cluster's etcd: it is at ${etcdServers.join(', ') || 'no address'}`,
    { hint: 'give --etcd URL if it answers elsewhere too; a single-node has to stay alone' },
  );
}
