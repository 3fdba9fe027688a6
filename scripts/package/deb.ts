import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Architecture } from './architecture.ts';
import type { PackageFile } from './file-list.ts';
import { placeFiles } from './place.ts';

/** A package that is to be made. */
export interface Release {
  readonly version: string;
  readonly architecture: Architecture;
  /** Of the commit: every file has it. */
  readonly epochSeconds: number;
  /** Little effort for compression: for tests, and for packages that stay on this computer. */
  readonly isQuick: boolean;
}

const maintainerScripts = ['preinst', 'postinst', 'prerm', 'postrm'] as const;

/** The line in a maintainer script that stands for a part which install.sh has too. */
const purgeMark = '#PURGE#\n';

export function debName({ version, architecture }: Release): string {
  return `flotilla_${version}_${architecture}.deb`;
}

/** The control file of the package; `installedBytes` is what it takes on a disk. */
export function controlText({ version, architecture }: Release, installedBytes: number): string {
  return `Package: flotilla
Version: ${version}
Architecture: ${architecture}
Maintainer: The Flotilla authors <flotilla@localhost>
Installed-Size: ${Math.ceil(installedBytes / 1024)}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 10), init-system-helpers, passwd, systemd (>= 247), dbus | dbus-broker
Recommends: openssh-client
Suggests: etcd-server
Conflicts: fleet
Replaces: fleet
Section: admin
Priority: optional
Description: turns a group of Linux machines into one init system
 Hand ordinary systemd units to fleetctl: the daemon of every machine, fleetd, decides with the others
 which machine runs which, and starts them elsewhere when a machine dies. The commands, unit options and
 API are those of CoreOS fleet; the store is etcd v3, on these machines or others.
`;
}

/** Files that dpkg asks about before it replaces what an administrator has changed. */
export function conffilesText(files: readonly PackageFile[]): string {
  const paths = files.map(({ path }) => path).filter((path) => path.startsWith('/etc/'));
  return paths.map((path) => `${path}\n`).join('');
}

/** A script of packaging/ with what removing and purging have in common, where it asks for it. */
export function withPurge(script: string): string {
  return script.replace(purgeMark, () => readFileSync('packaging/purge.sh', 'utf8'));
}

/** Makes the package at `path`; `scratch` is an empty folder. */
export function makeDeb(
  release: Release,
  files: readonly PackageFile[],
  { scratch, path }: { readonly scratch: string; readonly path: string },
): void {
  chmodSync(scratch, 0o755); // it becomes the package's `./`
  placeFiles(scratch, files);
  const control = (name: string, content: string, mode: 0o644 | 0o755 = 0o644): PackageFile => {
    return { kind: 'text', path: `/DEBIAN/${name}`, content, mode };
  };
  placeFiles(scratch, [
    control('control', controlText(release, sizeOf(scratch, files))),
    control('conffiles', conffilesText(files)),
    ...maintainerScripts.map((name) => {
      return control(name, withPurge(readFileSync(`packaging/deb/${name}`, 'utf8')), 0o755);
    }),
  ]);
  const effort = release.isQuick ? ['-Znone'] : ['-Zxz', '--threads-max=1'];
  execFileSync('dpkg-deb', ['--root-owner-group', ...effort, '--build', scratch, path], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, SOURCE_DATE_EPOCH: String(release.epochSeconds) },
  });
}

function sizeOf(root: string, files: readonly PackageFile[]): number {
  return files.reduce((sum, { path }) => sum + lstatSync(join(root, path)).size, 0);
}
