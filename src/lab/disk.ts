import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { placeFile, placeFolder, placeLink } from './disk-file.ts';
import { hasFleetd, installPrograms, programsFolder } from './programs.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { machineFolder } from './record.ts';
import { runOk } from './run.ts';
import { etcdEnvironment, fleetConf, hostsFile } from './settings.ts';
import type { HostSystem } from './system-units.ts';

const units = '/etc/systemd/system';

/** What every disk of a lab is made from. */
export interface DiskSource {
  readonly checkout: string;
  readonly host: HostSystem;
}

/**
 * Makes the disk of a machine: the upper layer of an overlay on this computer's own root. The
 * machine sees this computer's programs, its own identity, and of this computer's services none.
 */
export async function makeDisk(
  lab: LabRecord,
  machine: MachineRecord,
  source: DiskSource,
): Promise<void> {
  const upper = await emptyDisk(lab, machine);
  if (machine.hasEtcd) {
    placeFile(upper, '/etc/fleet/etcd.env', etcdEnvironment(lab, machine));
    placeUnit(source.checkout, upper, 'etcd.service');
  }
  placeFile(upper, '/etc/fleet/fleet.conf', fleetConf(lab, machine));
  if (hasFleetd(source.checkout)) placePrograms(lab, source.checkout, upper);
  // Last, since it leaves alone what a machine has of its own by now.
  await hideHost(source.host, upper);
}

/** What every machine's disk begins with; returns its upper layer. */
export async function emptyDisk(lab: LabRecord, machine: MachineRecord): Promise<string> {
  const folder = machineFolder(lab.name, machine.name);
  const upper = join(folder, 'upper');
  await mountDisk(folder, machine.diskSize);
  for (const part of ['upper', 'work', 'root']) placeFolder(join(folder, part), '/');
  placeIdentity(lab, machine, upper);
  placeFile(
    upper,
    '/etc/systemd/journald.conf.d/90-lab.conf',
    // On the disk, so that a machine that is off can still be asked what it said last.
    '[Journal]\nStorage=persistent\nSystemMaxUse=256M\n',
  );
  return upper;
}

/** A disk that can be full without filling this computer's: it is in memory, and `down` ends it. */
async function mountDisk(folder: string, size: string | undefined): Promise<void> {
  if (size === undefined) return;
  placeFolder(folder, '/');
  const options = `mode=0755,size=${size}`;
  await runOk(['mount', '-t', 'tmpfs', '-o', options, 'flotilla-lab', folder]);
}

function placeIdentity(lab: LabRecord, machine: MachineRecord, upper: string): void {
  placeFile(upper, '/etc/machine-id', `${machine.id}\n`);
  placeFile(upper, '/etc/hostname', `${machine.name}\n`);
  placeFile(upper, '/etc/hosts', hostsFile(lab.index));
  placeFile(upper, '/etc/resolv.conf', '# Nothing beyond the lab can be reached.\n');
  placeLink(upper, `${units}/default.target`, '/usr/lib/systemd/system/multi-user.target');
}

/** Keeps a machine from what is this computer's own. */
export async function hideHost(host: HostSystem, upper: string): Promise<void> {
  for (const name of host.masked) placeLink(upper, `${units}/${name}`, '/dev/null');
  for (const name of host.generators) {
    placeLink(upper, `/etc/systemd/system-generators/${name}`, '/dev/null');
  }
  for (const path of host.hidden) placeFolder(upper, join(path, '..'));
  // A character device 0:0 in the upper layer hides what the layers below have at that place.
  const script = 'for path; do [ -e "$path" ] || [ -L "$path" ] || mknod "$path" c 0 0; done';
  await runOk(['sh', '-c', script, 'hide', ...host.hidden.map((path) => join(upper, path))]);
}

function placePrograms(lab: LabRecord, checkout: string, upper: string): void {
  installPrograms(lab.name, upper);
  for (const program of ['fleetd', 'fleetctl']) {
    const start = `exec ${programsFolder}/node ${programsFolder}/bin/${program}.cjs "$@"`;
    placeFile(upper, `/usr/bin/${program}`, `#!/bin/sh\n${start}\n`, 0o755);
  }
  placeUnit(checkout, upper, 'fleet.service');
  placeUnit(checkout, upper, 'fleet-leave.service');
}

/** Installs and enables a unit of the checkout. */
function placeUnit(checkout: string, upper: string, name: string): void {
  placeFile(upper, `${units}/${name}`, readFileSync(join(checkout, 'units', name), 'utf8'));
  placeLink(upper, `${units}/multi-user.target.wants/${name}`, `${units}/${name}`);
}
