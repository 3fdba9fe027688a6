import {
  chmodSync,
  constants,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  realpathSync,
  renameSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { labFolder } from './record.ts';
import { labFailed } from './trouble.ts';

/** Where the programs lie in a machine. */
export const programsFolder = '/opt/flotilla';

/**
 * The checkout whose programs the machines run: the one that holds the running program, or else
 * the current folder. Throws `lab/failed` when neither is inside a checkout.
 */
export function findCheckout(): string {
  const starts = [process.argv[1], process.cwd()].filter((path) => path !== undefined);
  for (const start of starts) {
    for (let folder = real(start); ; folder = dirname(folder)) {
      if (existsSync(join(folder, 'units/fleet.service'))) return folder;
      if (folder === dirname(folder)) break;
    }
  }
  throw labFailed(
    `no checkout of Flotilla holds ${process.argv[1] ?? 'this program'}`,
    'run bin/fleetlab of a checkout',
  );
}

/** Has the checkout a built fleetd? Without one, machines run without it. */
export function hasFleetd(checkout: string): boolean {
  return existsSync(join(checkout, 'dist/bin/fleetd.cjs'));
}

/** Copies the programs and their Node into the lab's folder: a later build changes nothing. */
export function copyPrograms(checkout: string, lab: string): void {
  const target = join(labFolder(lab), 'programs');
  mkdirSync(join(target, 'bin'), { recursive: true });
  const node = realpathSync(join(checkout, 'node_modules/.bin/node'));
  copyFileSync(node, join(target, 'node'), constants.COPYFILE_FICLONE);
  const built = join(checkout, 'dist/bin');
  if (existsSync(built)) cpSync(built, join(target, 'bin'), { recursive: true });
}

/**
 * Puts the programs on a machine's disk as further names of the lab's copy: no space, no time, and
 * the machines share the pages in memory. A machine can replace its own by a new file.
 */
export function installPrograms(lab: string, upper: string): void {
  linkTree(join(labFolder(lab), 'programs'), join(upper, programsFolder));
}

/**
 * Replaces the programs of a machine by those of `dist`, each by a new file under the old name, so
 * that what runs goes on with the old one. `root` is the machine's disk.
 */
export function replacePrograms(dist: string, root: string): void {
  for (const name of readdirSync(join(dist, 'bin'))) {
    const to = join(root, programsFolder, 'bin', name);
    mkdirSync(dirname(to), { recursive: true });
    copyFileSync(join(dist, 'bin', name), `${to}.new`);
    renameSync(`${to}.new`, to);
  }
}

function linkTree(source: string, target: string): void {
  mkdirSync(target, { recursive: true });
  chmodSync(target, 0o755);
  for (const entry of readdirSync(source, { withFileTypes: true })) {
    const [from, to] = [join(source, entry.name), join(target, entry.name)];
    if (entry.isDirectory()) linkTree(from, to);
    else linkOrCopy(from, to);
  }
}

/** A disk of a size of its own is another file system, to which nothing can be linked. */
function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    copyFileSync(from, to);
  }
}

function real(path: string): string {
  return existsSync(path) ? realpathSync(path) : path;
}
