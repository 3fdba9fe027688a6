import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { labsFolder } from './names.ts';

const vendorFolders = ['/usr/lib/systemd/system', '/usr/local/lib/systemd/system'];
const generatorFolders = [
  '/usr/lib/systemd/system-generators',
  '/usr/local/lib/systemd/system-generators',
];

/** All that systemd's distribution starts by itself and that a machine of the lab needs. */
const wanted: ReadonlySet<string> = new Set([
  'dbus.service',
  'dbus.socket',
  'systemd-journal-flush.service',
  'systemd-journald-dev-log.socket',
  'systemd-journald.service',
  'systemd-journald.socket',
  'systemd-logind.service',
  'systemd-tmpfiles-clean.timer',
  'systemd-tmpfiles-setup.service',
  'systemd-user-sessions.service',
]);

/** Paths of the computer's own system that a machine must not see, or must not start. */
export interface HostSystem {
  /** To be hidden: what this computer's administrator or packages have enabled or written. */
  readonly hidden: readonly string[];
  /** Units to be masked by name: what packages start without being enabled. */
  readonly masked: readonly string[];
  /** Generators to be masked by name: they would make units from this computer's tables. */
  readonly generators: readonly string[];
}

/**
 * Finds what a machine on an overlay of this computer's root must not take over. It goes by what is
 * there, and only what `wanted` names stays: a database, a timer or a mount of this computer never
 * starts in a machine, whatever it is called.
 */
export function readHostSystem(): HostSystem {
  const others = ['/etc/fstab', '/etc/crypttab', labsFolder].filter((path) => existsSync(path));
  const started = vendorFolders.flatMap(namesStartedBy);
  return {
    hidden: [...['/etc/systemd/system', '/etc/fleet'].flatMap(filesBelow), ...others],
    masked: started.filter((name) => !isHarmless(name)),
    generators: generatorFolders.flatMap(namesIn),
  };
}

/** The files of a folder and below. The folders stay: a machine has files of its own there. */
export function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** The units that hang on a target without anybody having enabled them. */
function namesStartedBy(folder: string): readonly string[] {
  const hooks = namesIn(folder).filter((name) => /\.(wants|requires|upholds)$/.test(name));
  return [...new Set(hooks.flatMap((name) => namesIn(join(folder, name))))];
}

/** Targets and slices start nothing themselves. */
function isHarmless(name: string): boolean {
  return wanted.has(name) || name.endsWith('.target') || name.endsWith('.slice');
}

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}
