// cloud-config: user-data for cloud-init that makes a bare machine part of a fleet.
// Knows text only: what goes into it was read and checked by then.
// Start with userData; the files of the folder cloud-config/ are its output for example values.

/** What a machine is to be; each is a file of the folder cloud-config/, too. */
export const roles = ['single-node', 'first-node', 'member', 'proxy'] as const;

/** One of `roles`. */
export type Role = (typeof roles)[number];

/** Where a new machine finds the package of Flotilla. */
export type PackagePlace =
  | { readonly kind: 'url'; readonly url: string }
  | { readonly kind: 'path'; readonly path: string }
  /** In the sources that its apt knows. */
  | { readonly kind: 'apt' };

/** What the machines of a fleet have in common besides its etcd. */
export interface FleetSettings {
  readonly agentTtl: string;
  readonly etcdKeyPrefix: string;
  /** Where each machine has its files for TLS with etcd. */
  readonly etcdCaFile: string | null;
  readonly etcdCertFile: string | null;
  readonly etcdKeyFile: string | null;
}

/** What user-data is made of. */
export interface UserData {
  readonly role: Role;
  /** Where the etcd of the fleet answers; none for machines that begin one. */
  readonly etcdServers: readonly string[];
  /** null: those that fleetd has by itself. */
  readonly settings: FleetSettings | null;
  readonly metadata: ReadonlyMap<string, string>;
  readonly sshKeys: readonly string[];
  readonly package: PackagePlace;
  /** Its values stand for others: a person is told where to put those. */
  readonly isExample: boolean;
}

/** The text of the user-data. */
export function userData(what: UserData): string {
  const sections = [header(what), packages(what), keys(what), files(what), commands(what)];
  const texts = sections.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'));
  return `${texts.join('\n\n')}\n`;
}

const purposes: Readonly<Record<Role, readonly string[]>> = {
  'single-node': [
    '# A fleet of one machine. Its etcd answers on the machine itself only, so no other one can join:',
    '# where that may come one day, take first-node.yaml.',
  ],
  'first-node': [
    '# The first machine of a fleet: its etcd is a cluster of one, which others join with member.yaml.',
    '# That etcd is open to whoever reaches port 2379 of the machine: the network must be yours alone.',
  ],
  member: [
    '# A further machine of a fleet that also becomes a member of its etcd; three or five of them are',
    '# enough for any fleet. It joins by itself and counts once it has caught up; one joins at a time.',
  ],
  proxy: ['# A machine of a fleet without an etcd of its own: any number of them may be there.'],
};

function header({ role, isExample }: UserData): readonly string[] {
  const edit = '# Each EDIT is above a line with a value of yours.';
  return ['#cloud-config', ...purposes[role], ...(isExample ? [edit] : [])];
}

function hasEtcd(role: Role): boolean {
  return role !== 'proxy';
}

function packages({ role }: UserData): readonly string[] {
  return hasEtcd(role) ? ['packages: [etcd-server, etcd-client]'] : [];
}

function keys({ sshKeys }: UserData): readonly string[] {
  if (sshKeys.length === 0) return [];
  return ['ssh_authorized_keys:', ...sshKeys.map((key) => `  - ${JSON.stringify(key)}`)];
}

function files(what: UserData): readonly string[] {
  const conf = file('/etc/fleet/fleet.conf', fleetConf(what));
  const join = [
    ...edits(what, 'where that etcd answers.'),
    `ETCDCTL_ENDPOINTS=${what.etcdServers.join(',')}`,
  ];
  const both = what.role === 'member' ? [...conf, ...file('/etc/fleet/etcd-join.env', join)] : conf;
  return ['write_files:', ...both];
}

function file(path: string, lines: readonly string[]): readonly string[] {
  return [`  - path: ${path}`, '    content: |', ...lines.map((line) => `      ${line}`)];
}

const ownEtcd = 'http://127.0.0.1:2379';

/** docs/reference/configuration.md tells what they mean. */
function fleetConf(what: UserData): readonly string[] {
  const { role, etcdServers, settings, metadata } = what;
  const servers = hasEtcd(role) ? [ownEtcd, ...etcdServers] : etcdServers;
  const pairs = [...metadata].map(([key, value]) => `${key}=${value}`).join(',');
  const where = role === 'member' ? 'the etcd of the fleet, after the one here.' : whereEtcd;
  const asked = edits(what, 'what units can ask for with MachineMetadata=.');
  return [
    ...(etcdServers.length > 0 ? edits(what, where) : []),
    `etcd_servers=${JSON.stringify(servers)}`,
    ...(settings === null ? [] : shared(settings, etcdServers)),
    ...(metadata.size === 0 ? [] : [...asked, `metadata=${JSON.stringify(pairs)}`]),
  ];
}

const whereEtcd = 'where the etcd of the fleet answers.';

function shared(settings: FleetSettings, etcdServers: readonly string[]): readonly string[] {
  const { agentTtl, etcdKeyPrefix, etcdCaFile, etcdCertFile, etcdKeyFile } = settings;
  const tls: readonly (readonly [string, string | null])[] = [
    ['etcd_cafile', etcdCaFile],
    ['etcd_certfile', etcdCertFile],
    ['etcd_keyfile', etcdKeyFile],
  ];
  const isTls = etcdServers.some((url) => url.startsWith('https:'));
  const named = tls.filter(([, path]) => isTls && path !== null);
  return [
    `agent_ttl=${JSON.stringify(agentTtl)}`,
    `etcd_key_prefix=${JSON.stringify(etcdKeyPrefix)}`,
    ...(named.length > 0 ? ['# These files have to be on the machine before it boots.'] : []),
    ...named.map(([name, path]) => `${name}=${JSON.stringify(path)}`),
  ];
}

function commands(what: UserData): readonly string[] {
  const { role } = what;
  const idle = [
    "  # The etcd that Debian's package starts by itself is nobody's: it must not be taken for ours.",
    '  - systemctl disable --now etcd.service',
  ];
  return [
    'runcmd:',
    '  - set -e',
    ...(hasEtcd(role) ? idle : []),
    ...installing(what),
    ...starting[role],
  ];
}

const fetched = '/var/tmp/flotilla.deb';
const fetch = '/usr/lib/apt/apt-helper -o Acquire::Retries=10 download-file';
const install = 'apt-get install --yes -o Dpkg::Options::=--force-confold';

/** Places come checked: without quotes and spaces, so that a shell takes them as they are here. */
function installing(what: UserData): readonly string[] {
  const place = what.package;
  if (place.kind === 'apt') return ['  - apt-get update', `  - ${install} flotilla`];
  if (place.kind === 'path') return [`  - ${install} '${place.path}'`];
  return [
    ...edits(what, 'where the package of Flotilla is.').map((line) => `  ${line}`),
    `  - package='${place.url}'`,
    `  - ${fetch} "$package" ${fetched}`,
    `  - ${install} ${fetched}`,
  ];
}

const startFleetd = '  - systemctl enable --now fleet.service';
const ownMember = [
  '  # Its data is in /var/lib/etcd/fleet, compacted every hour and never more than 2 GiB.',
];

/** etcd first: what fleet-etcd makes is what the fleetd of this machine looks for. */
const starting: Readonly<Record<Role, readonly string[]>> = {
  'single-node': [...ownMember, '  - fleet-etcd new 127.0.0.1', startFleetd],
  'first-node': [...ownMember, '  - fleet-etcd new', startFleetd],
  member: [
    ...ownMember,
    '  # Not waited for: where the etcd is away, both try until it is there.',
    '  - systemctl enable --now --no-block fleet-etcd-join.service fleet.service',
  ],
  proxy: [startFleetd],
};

function edits({ isExample }: UserData, what: string): readonly string[] {
  return isExample ? [`# EDIT: ${what}`] : [];
}
