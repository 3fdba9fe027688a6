import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { gzipSync } from 'node:zlib';
import { completionScripts } from '../../src/fleetctl/completion/scripts.ts';
import { programs } from '../../src/single/program-of.ts';
import { licenceTexts } from './licences.ts';

/** One file of a package, by its path on the machine. Owner and group are root. */
export type PackageFile = { readonly path: string } & (
  | { readonly kind: 'text'; readonly content: string | Uint8Array; readonly mode: 0o644 | 0o755 }
  | { readonly kind: 'copy'; readonly source: string; readonly mode: 0o644 | 0o755 }
  | { readonly kind: 'link'; readonly target: string }
);

/** What is not in the checkout itself. */
export interface Made {
  /** The executable. */
  readonly executable: string;
  /** Manual pages, as `npm run man` makes them. */
  readonly manFolder: string;
}

/** Debian's etcd-server has a unit of that name, and one file cannot be of two packages. */
const etcdUnit = 'etcd.service';

/** Everything that an installation has, in the order of the paths. */
export function packageFiles({ executable, manFolder }: Made): readonly PackageFile[] {
  const files: readonly PackageFile[] = [
    { kind: 'copy', path: '/usr/bin/fleet', source: executable, mode: 0o755 },
    ...programs.map(
      (name) => ({ kind: 'link', path: `/usr/bin/${name}`, target: 'fleet' }) as const,
    ),
    { kind: 'copy', path: '/usr/bin/fleet-etcd', source: 'cloud-config/fleet-etcd', mode: 0o755 },
    ...unitFiles(),
    ...completionFiles(),
    ...manPages(manFolder),
    text('/etc/fleet/fleet.conf', read('packaging/fleet.conf')),
    text('/usr/share/doc/flotilla/copyright', `${read('packaging/copyright')}${licenceTexts()}`),
    text('/usr/share/doc/flotilla/changelog.gz', zipped(read('CHANGELOG.md'))),
  ];
  return files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
}

function unitFiles(): readonly PackageFile[] {
  const below = (folder: string): readonly string[] =>
    readdirSync(folder)
      .filter((name) => /\.(service|socket|mount|timer|path|target)$/.test(name))
      .map((name) => `${folder}/${name}`);
  const placed = (files: readonly string[], folder: string): readonly PackageFile[] =>
    files.map((file) => text(`${folder}/${basename(file)}`, read(file)));
  const system = below('units').filter((file) => basename(file) !== etcdUnit);
  return [
    ...placed(system, '/usr/lib/systemd/system'),
    ...placed(below('units/user'), '/usr/lib/systemd/user'),
    ...placed([`units/${etcdUnit}`], '/usr/share/flotilla'),
    ...placed(below('units/examples'), '/usr/share/doc/flotilla/examples'),
  ];
}

function completionFiles(): readonly PackageFile[] {
  const { bash, zsh, fish } = completionScripts;
  return [
    text('/usr/share/bash-completion/completions/fleetctl', bash),
    text('/usr/share/zsh/vendor-completions/_fleetctl', zsh),
    text('/usr/share/fish/vendor_completions.d/fleetctl.fish', fish),
  ];
}

/** fleetlab is for a checkout: its page is not for these machines. */
function manPages(folder: string): readonly PackageFile[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith('fleetlab.'));
  return names.map((name) => {
    const section = name.split('.').at(-1) ?? '';
    return text(`/usr/share/man/man${section}/${name}.gz`, zipped(read(`${folder}/${name}`)));
  });
}

function text(path: string, content: string | Uint8Array): PackageFile {
  return { kind: 'text', path, content, mode: 0o644 };
}

/** Its header has neither a name nor a time. */
function zipped(content: string): Uint8Array {
  return gzipSync(content, { level: 9 });
}

function read(path: string): string {
  return readFileSync(path, 'utf8');
}
