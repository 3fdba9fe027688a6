import { accessSync, constants, mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { labUnsuitable } from './trouble.ts';

/** Programs the lab runs, and the Debian package of each. */
const packages: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  'dbus-daemon': 'dbus',
  etcd: 'etcd-server',
  etcdctl: 'etcd-client',
  ip: 'iproute2',
  bridge: 'iproute2',
  nsenter: 'util-linux',
  unshare: 'util-linux',
  setpriv: 'util-linux',
};

/** The Debian packages that hold those programs. */
export const labPackages: readonly string[] = [...new Set(Object.values(packages))];

/** statfs(2) numbers of file systems that cannot hold the upper layer of an overlay. */
const unsuitableFileSystems: Readonly<Record<number, string>> = {
  2035054128: 'overlay',
  26985: 'NFS',
  1702057286: 'FUSE',
};

/** Throws `lab/unsuitable` unless it is root who asks. */
export function requireRoot(command: string): void {
  if (process.getuid?.() === 0) return;
  throw labUnsuitable(
    'the lab boots machines, and only root may do that',
    `try 'sudo fleetlab ${command}'`,
  );
}

/** Throws `lab/unsuitable` when this computer lacks a package, or has a root no overlay can use. */
export function requireComputer(labFolder: string): void {
  const missing = Object.keys(packages).filter((program) => !isOnPath(program));
  const names = [...new Set(missing.map((program) => packages[program]))];
  if (names.length > 0) {
    throw labUnsuitable(
      `the lab needs ${missing.join(', ')}, which ${missing.length > 1 ? 'are' : 'is'} not here`,
      `apt-get update && apt-get install --no-install-recommends ${names.join(' ')}`,
    );
  }
  requireRootFileSystem();
  refuseFileSystem('/', "this computer's root", 'run the lab in a virtual machine');
  mkdirSync(labFolder, { recursive: true }); // the end of another lab may just have removed it
  refuseFileSystem(labFolder, labFolder, 'mount an ext4, xfs, btrfs or tmpfs there');
}

/** Machines see the root file system alone: what lies on other mounts would be missing. */
function requireRootFileSystem(): void {
  const mounts = readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const points = mounts.map((line) => line.split(' ')[1]);
  const apart = ['/usr', '/etc', '/bin', '/lib', '/var'].filter((path) => points.includes(path));
  if (apart.length === 0) return;
  throw labUnsuitable(
    `${apart.join(' and ')} of this computer is a mount of its own, which machines would not see`,
    'run the lab where the system is on one file system',
  );
}

function refuseFileSystem(path: string, what: string, hint: string): void {
  const kind = unsuitableFileSystems[statfsSync(path).type];
  if (kind === undefined) return;
  throw labUnsuitable(`${what} is on ${kind}, and an overlay cannot be put on that`, hint);
}

function isOnPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/sbin'];
  return folders.some((folder) => isExecutable(join(folder, program)));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
