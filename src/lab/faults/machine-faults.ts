import { labFailed } from '../trouble.ts';
import type { Fault, FaultSite } from './fault.ts';
import { inside } from './fault.ts';

const loadUnit = 'fleetlab-cpu-load.service';
const loadScript = `for _ in $(seq $((2 * $(nproc)))); do (while :; do :; done) & done; wait`;

/** Takes what is free of the disk, to the last byte. */
const fillScript = `
fallocate --length "$(df --output=avail --block-size=1 /var | tail -n 1)" /var/fleetlab-full
dd if=/dev/zero of=/var/fleetlab-full bs=4k oflag=append conv=notrunc 2>/dev/null || true`;

/** As small as what is in it. systemd-nspawn makes it a fifth of the memory. */
const shrinkScript = `
mount -o "remount,size=$(df --output=used --block-size=1 /run | tail -n 1)" /run`;

/** What can happen to a machine's means: its processors, its disk, its `/run`. */
export const machineFaults: readonly Fault[] = [
  {
    name: 'cpu-load',
    about: 'all processors are busy with other work, twice over',
    inflict: async (site) => {
      await inside(site, `systemd-run --quiet --collect --unit=${loadUnit} sh -c '${loadScript}'`);
    },
    heal: async (site) => void (await inside(site, `systemctl stop ${loadUnit} || true`)),
  },
  {
    name: 'disk-full',
    about: "its disk is full, and with it etcd's; needs 'up --disk-size'",
    isOnDisk: true,
    require: requireDiskSize,
    inflict: async (site) => void (await inside(site, fillScript)),
    heal: async (site) => void (await inside(site, 'rm -f /var/fleetlab-full')),
  },
  {
    name: 'run-full',
    about: '/run is full, where systemd and fleetd keep the files of running units',
    inflict: async (site) => void (await inside(site, shrinkScript)),
    heal: async (site) => void (await inside(site, 'mount -o remount,size=20% /run')),
  },
];

/** Without a limit of its own the disk of a machine is this computer's: never fill that. */
function requireDiskSize({ record, machine }: FaultSite): void {
  if (machine.diskSize !== undefined) return;
  throw labFailed(
    `${machine.name} has no disk of its own to fill: it is on this computer's`,
    `'fleetlab --lab ${record.name} down', then 'up --disk-size 768M'`,
  );
}
