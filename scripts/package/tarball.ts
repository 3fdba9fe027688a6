import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Release, withPurge } from './deb.ts';
import type { PackageFile } from './file-list.ts';
import { placeFiles } from './place.ts';

/** By the machine name that `uname -m` gives there. */
const machines = { amd64: 'x86_64', arm64: 'aarch64' } as const;

export function tarballName(release: Release): string {
  return `${topOf(release)}.tar.gz`;
}

/** Makes the tarball at `path`: the files as a machine has them, and install.sh. */
export function makeTarball(
  release: Release,
  files: readonly PackageFile[],
  { scratch, path }: { readonly scratch: string; readonly path: string },
): void {
  const top = join(scratch, topOf(release));
  const install = withPurge(readFileSync('packaging/install.sh', 'utf8'));
  placeFiles(top, files);
  placeFiles(top, [{ kind: 'text', path: '/install.sh', content: install, mode: 0o755 }]);
  const same = ['--sort=name', '--format=gnu', '--owner=0', '--group=0', '--numeric-owner'];
  const time = `--mtime=@${release.epochSeconds}`;
  const effort = `--use-compress-program=gzip -n${release.isQuick ? 1 : 9}`;
  execFileSync('tar', [...same, time, effort, '-C', scratch, '-cf', path, topOf(release)]);
}

function topOf({ version, architecture }: Release): string {
  return `flotilla-${version}-linux-${machines[architecture]}`;
}
