// npm run package: what a machine installs, in dist/package: the executable, a Debian package, a
// tarball with an install.sh, for each architecture, and their checksums. Two runs on one commit
// make the same bytes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import { flotillaVersion } from '../src/lib/version.ts';
import { scriptCommand } from './command-line.ts';
import { type Architecture, architectures } from './package/architecture.ts';
import { debName, makeDeb, type Release } from './package/deb.ts';
import { makeBlob, makeExecutable } from './package/executable.ts';
import { packageFiles } from './package/file-list.ts';
import { nodeBinary } from './package/node-binary.ts';
import { makeTarball, tarballName } from './package/tarball.ts';

interface Flags {
  readonly arch: readonly Architecture[];
  readonly out: string;
  readonly quick: boolean;
}

const known = Object.keys(architectures) as Architecture[];
const examples = `
Examples:
  npm run package                          for every architecture
  npm run package -- --arch amd64 --quick  in seconds: for a try on this computer`;

const { arch, out, quick } = scriptCommand('package', 'Makes what a machine installs.')
  .option(
    '--arch <names>',
    `of ${known.join(', ')}, with commas between`,
    parseArchitectures,
    known,
  )
  .option('--out <folder>', 'where to', 'dist/package')
  .option('--quick', 'compress with little effort', false)
  .addHelpText('after', examples)
  .parse()
  .opts<Flags>();

process.chdir(join(import.meta.dirname, '..'));
process.umask(0o022); // folders of a package have the same mode whoever makes it
mkdirSync(out, { recursive: true });
const scratch = mkdtempSync(join(out, '.making-'));
try {
  makeAll();
} finally {
  rmSync(scratch, { recursive: true });
}

function makeAll(): void {
  const epochSeconds = commitTime();
  const manFolder = join(scratch, 'man');
  execFileSync(process.execPath, ['scripts/man.ts', manFolder]);
  const blob = makeBlob('dist/bin', scratch);
  const made = arch.flatMap((architecture) => {
    const release = { version: flotillaVersion, architecture, epochSeconds, isQuick: quick };
    return makeOne(release, manFolder, blob);
  });
  writeFileSync(join(out, 'SHA256SUMS'), made.map(sumLine).join(''));
  for (const name of made) process.stdout.write(`${join(out, name)}\n`);
}

/** Returns the names of what it made in the folder. */
function makeOne(release: Release, manFolder: string, blob: string): readonly string[] {
  const { architecture } = release;
  const names = [`fleet-${architecture}`, debName(release), tarballName(release)] as const;
  const [executable, deb, tarball] = names;
  const node = nodeBinary(architecture, 'dist/node');
  makeExecutable(node, blob, join(out, executable));
  const files = packageFiles({ executable: join(out, executable), manFolder });
  const place = (name: string, kind: string): { scratch: string; path: string } => {
    return { scratch: mkdtempSync(join(scratch, `${kind}-`)), path: join(out, name) };
  };
  makeDeb(release, files, place(deb, 'deb'));
  makeTarball(release, files, place(tarball, 'tarball'));
  return names;
}

/** SOURCE_DATE_EPOCH, or when the commit was made. */
function commitTime(): number {
  const given = process.env['SOURCE_DATE_EPOCH'];
  const text = given ?? execFileSync('git', ['log', '-1', '--format=%ct'], { encoding: 'utf8' });
  const seconds = Number(text.trim());
  if (Number.isSafeInteger(seconds) && seconds > 0) return seconds;
  throw new Error(`SOURCE_DATE_EPOCH is seconds since 1970, and not '${text.trim()}'`);
}

function sumLine(name: string): string {
  const hash = createHash('sha256').update(readFileSync(join(out, name)));
  return `${hash.digest('hex')}  ${name}\n`;
}

function parseArchitectures(text: string): readonly Architecture[] {
  return text.split(',').map((name) => {
    const found = known.find((candidate) => candidate === name);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`There is ${known.join(' and ')}.`);
  });
}
