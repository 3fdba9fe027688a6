import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { emptyDisk, hideHost } from './disk.ts';
import { placeFile, placeLink } from './disk-file.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { filesBelow, type HostSystem } from './system-units.ts';
import { labUnsuitable } from './trouble.ts';

/** What the disk of a bare machine is made from. */
export interface BareSource {
  readonly checkout: string;
  readonly host: HostSystem;
  readonly userData: string;
}

const units = '/etc/systemd/system';
const generator = 'cloud-init-generator';
const stages = ['cloud-init-local', 'cloud-init', 'cloud-config', 'cloud-final'] as const;

/** What a running system has collected; a new machine has none of it. */
const histories = ['/var/lib/cloud', '/etc/cloud/cloud.cfg.d', '/var/lib/etcd', '/var/lib/fleet'];
const ofPackage = '/etc/cloud/cloud.cfg.d/05_logging.cfg';

/** Where programs are found; an image of a distribution has no Node there. */
const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'];
const nodePrograms = ['node', 'nodejs', 'npm', 'npx', 'corepack'];

// What the image of a provider says. It has locales, which this computer may not have; its network
// is there already, as in any container; and one kind of host key is made sooner than three.
const imageSettings = `datasource_list: [NoCloud, None]
network: {config: disabled}
locale: C.UTF-8
apt_preserve_sources_list: true
ssh_genkeytypes: [ed25519]
`;

// Nothing beyond the lab answers: asking again only takes time.
const aptSettings = 'Acquire::Retries "0";\n';

/**
 * Makes the disk of a machine as a distribution's image leaves it: cloud-init is enabled, nothing of
 * ours and no Node is there, and the user-data lies where cloud-init looks for it.
 */
export async function makeBareDisk(
  lab: LabRecord,
  machine: MachineRecord,
  { checkout, host, userData }: BareSource,
): Promise<void> {
  const upper = await emptyDisk(lab, machine);
  const seed = '/var/lib/cloud/seed/nocloud';
  const metaData = `instance-id: ${machine.id}\nlocal-hostname: ${machine.name}\n`;
  placeFile(upper, `${seed}/user-data`, userData, 0o600);
  placeFile(upper, `${seed}/meta-data`, metaData);
  placeFile(upper, '/etc/cloud/cloud.cfg.d/90-image.cfg', imageSettings);
  placeFile(upper, '/etc/apt/apt.conf.d/90-lab', aptSettings);
  for (const stage of stages) enable(upper, 'cloud-init.target', `${stage}.service`);
  enable(upper, 'multi-user.target', 'etcd.service');
  const ours = programFolders.flatMap((folder) => nodePrograms.map((name) => join(folder, name)));
  // A container's way of starting no service of a package: a machine has no such file.
  const off = '/etc/cloud/cloud-init.disabled'; // on this computer, not in the image
  const others = [checkout, off, '/usr/sbin/policy-rc.d', ...ours].filter((path) =>
    existsSync(path),
  );
  const collected = histories.flatMap(filesBelow).filter((path) => path !== ofPackage);
  await hideHost(
    {
      masked: host.masked,
      generators: host.generators.filter((name) => name !== generator),
      hidden: [...host.hidden, ...collected, ...others],
    },
    upper,
  );
}

/** As the package of that unit does it when it is installed. */
function enable(upper: string, target: string, unit: string): void {
  placeLink(upper, `${units}/${target}.wants/${unit}`, `/lib/systemd/system/${unit}`);
}

/** Throws `lab/unsuitable` when this computer's files cannot be those of a bare machine. */
export function requireBareHost(): void {
  if (!existsSync('/usr/bin/cloud-init')) {
    throw labUnsuitable(
      'a bare machine needs cloud-init, which is not here',
      'apt-get update && apt-get install --no-install-recommends cloud-init',
    );
  }
  if (existsSync('/var/lib/dpkg/info/flotilla.list')) {
    throw labUnsuitable(
      'this computer has the package flotilla, so no machine on its files is bare',
      'run the lab on a computer without it',
    );
  }
}
