import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** A source file, by its path from the top of the checkout. */
interface SourceFile {
  readonly path: string;
  readonly text: string;
}

const files: readonly SourceFile[] = execFileSync(
  'git',
  [
    'ls-files',
    '--cached',
    '--others',
    '--exclude-standard',
    '*.ts',
    '*.md',
    '*.sh',
    'bin',
    'cloud-config',
    'units',
  ],
  { encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '' && existsSync(path))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }));

const sources = files.filter(({ path }) => /^src\/.*\.ts$/.test(path));

/** Which folders of src/ a folder may import from, besides itself. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  unitfile: ['lib'],
  model: ['lib', 'unitfile'],
  registry: ['lib', 'unitfile', 'model'],
  engine: ['lib', 'unitfile', 'model'],
  agent: ['lib', 'unitfile', 'model'],
  api: ['lib', 'unitfile', 'model'],
  daemon: ['lib', 'unitfile', 'model', 'registry', 'engine', 'agent', 'api'],
  // Of the API, fleetctl knows the contract only.
  fleetctl: ['lib', 'unitfile', 'model', 'api/schema.ts'],
  lab: ['lib'],
  cloudinit: ['lib', 'unitfile'],
  single: [],
  // A daemon without its machine: what it is made of, and the words that the lab speaks with it.
  hollow: [
    ...['lib', 'unitfile', 'model', 'registry', 'agent', 'lab/hollow/words.ts'],
    ...['daemon/membership.ts', 'daemon/memory.ts', 'daemon/store-memory.ts'],
  ],
};

/** Folders behind which a package stays. */
const homeOf: Readonly<Record<string, readonly string[]>> = {
  etcd3: ['registry'],
  'dbus-next': ['agent'],
  fastify: ['api'],
  pino: ['daemon'],
  'pino-pretty': ['daemon'],
  ini: ['daemon'],
  commander: ['fleetctl', 'daemon', 'lab', 'cloudinit'],
  yaml: ['cloudinit'],
};

/** Its user named these; vitest stands among the tools. */
const askedFor = ['etcd3', 'dbus-next', 'ini', 'commander', 'pino'];

interface Import {
  readonly from: string;
  readonly target: string;
}

function importsOf({ path, text }: SourceFile): Import[] {
  return [...text.matchAll(/(?:from|import)\s*\(?'([^']+)'/g)].map((match) => ({
    from: path,
    target: match[1] ?? '',
  }));
}

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}

function isForbidden({ from, target }: Import): boolean {
  const folder = folderOf(from);
  if (!target.startsWith('.')) {
    const homes = homeOf[target];
    return homes !== undefined && !homes.includes(folder);
  }
  const path = normalize(`${dirname(from)}/${target}`);
  if (!path.startsWith('src/') || folderOf(path) === folder) return !path.startsWith('src/');
  const allowed = mayImport[folder] ?? [];
  return !allowed.includes(folderOf(path)) && !allowed.includes(path.slice('src/'.length));
}

/** The packages and built-ins that a file loads at once, with all that it imports. */
function loadedBy(path: string): ReadonlySet<string> {
  const loaded = new Set<string>();
  const seen = new Set<string>();
  const walk = (from: string): void => {
    if (seen.has(from)) return;
    seen.add(from);
    const text = files.find((file) => file.path === from)?.text ?? '';
    // Types are erased; what `import()` names is loaded later.
    for (const [, target = ''] of text.matchAll(/^import (?!type\b)[^;]*?from '([^']+)';/gm)) {
      if (target.startsWith('.')) walk(normalize(`${dirname(from)}/${target}`));
      else loaded.add(target);
    }
  };
  walk(path);
  return loaded;
}

/** A circle of imports, written as a path; null when there is none. */
function circleIn(below: ReadonlyMap<string, readonly string[]>): string | null {
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): string | null => {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path].join(' > ');
    if (done.has(path)) return null;
    for (const next of below.get(path) ?? []) {
      const circle = walk(next, [...way, path]);
      if (circle !== null) return circle;
    }
    done.add(path);
    return null;
  };
  for (const path of below.keys()) {
    const circle = walk(path, []);
    if (circle !== null) return circle;
  }
  return null;
}

/** What must not stand somewhere, and what to write instead. */
interface Ban {
  readonly where: RegExp;
  readonly what: RegExp;
  readonly instead: string;
}

const bans: readonly Ban[] = [
  {
    where: /^src\/(lib\/(?!clock)|unitfile|model|engine|registry|agent).*\.ts$/,
    what: /\bDate\.now\(|\bperformance\.now\(|\bMath\.random\(|\bsetTimeout\(|\bsetInterval\(/,
    instead: 'take a Clock, or the value, as an argument',
  },
  {
    where: /^src\/.*(?<!main)\.ts$/,
    what: /\bprocess\.exit\(/,
    instead: 'return a status to main',
  },
  { where: /^src\/.*\.ts$/, what: /biome-ignore|@ts-ignore|@ts-expect-error/, instead: 'mend it' },
  { where: /^(src|scripts|test)\/.*\.ts$/, what: /\.only\(/, instead: 'let every test run' },
  { where: /\.(ts|md|sh)$/, what: /\b(TODO|FIXME|XXX)\b/, instead: 'do it, or describe it' },
  { where: /^src\/(?!(lab|fleetctl)\/)/, what: /\bconsole\.\w+\(/, instead: 'log through Logger' },
];

const lineCountMax = 300;

/** Files and folders of tests, as a page names them between backticks. */
function testsNamedIn(page: string): string[] {
  return [...page.matchAll(/`(test\/[^`]+)`/g)].map((match) => match[1] ?? '');
}

describe('house rules', () => {
  it('lets each folder import only what stands below it, and each package live in one folder', () => {
    const forbidden = sources.flatMap(importsOf).filter(isForbidden);
    expect(forbidden.map(({ from, target }) => `${from} imports ${target}`)).toEqual([]);
  });

  it('is made with the packages that it was asked to be made with, and none that nobody loads', () => {
    const { dependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
      dependencies: Readonly<Record<string, string>>;
    };
    const declared = Object.keys(dependencies);
    expect(declared).toEqual(expect.arrayContaining(askedFor));
    const loaded = sources.flatMap(importsOf).map(({ target }) => target);
    expect(loaded).toEqual(expect.arrayContaining(declared));
  });

  it('runs the keeper thread on built-ins alone, and starts it before anything large', () => {
    const thread = [...loadedBy('src/registry/keeper-worker.ts')];
    expect(thread.length).toBeGreaterThan(2);
    expect(thread.filter((name) => !name.startsWith('node:'))).toEqual([]);
    const entry = [...loadedBy('src/daemon/main.ts')];
    expect(entry.filter((name) => !name.startsWith('node:')).sort()).toEqual(['commander', 'ini']);
  });

  it('has no files that import each other in a circle', () => {
    const below = new Map(
      sources.map((file) => [
        file.path,
        importsOf(file)
          .filter(({ target }) => target.startsWith('.'))
          .map(({ target }) => normalize(`${dirname(file.path)}/${target}`)),
      ]),
    );
    expect(circleIn(below)).toBeNull();
    expect(
      circleIn(
        new Map([
          ['a', ['b']],
          ['b', ['c']],
          ['c', ['b']],
        ]),
      ),
    ).toBe('b > c > b');
  });

  it('keeps clocks, chance, exits and escapes out of where they do not belong', () => {
    const found = files
      .filter(({ path }) => path !== 'test/tidy/house-rules.test.ts')
      .flatMap(({ path, text }) =>
        bans
          .filter(({ where, what }) => where.test(path) && what.test(text))
          .map(({ what, instead }) => `${path}: ${what.exec(text)?.[0] ?? ''}: ${instead}`),
      );
    expect(found).toEqual([]);
  });

  it('has files that fit a head', () => {
    const long = sources
      .map(({ path, text }) => ({ path, lines: text.split('\n').length }))
      .filter(({ lines }) => lines > lineCountMax);
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });

  it('has no barrel file, no utils and no default export', () => {
    const odd = sources.filter(
      ({ path, text }) =>
        /\/(index|utils?|helpers?)\.ts$/.test(path) || /^export default /m.test(text),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  it('has the folders that people look for', () => {
    const sourceFolders = ['src/daemon', 'src/engine', 'src/agent', 'src/unitfile', 'src/fleetctl'];
    const wanted = [...sourceFolders, 'units', 'cloud-config', 'test'];
    expect(wanted.filter((path) => !existsSync(path))).toEqual([]);
  });

  it.each([
    ['docs/INVARIANTS.md', 10],
    ['docs/operating/faults.md', 15],
    ['docs/reference/compatibility.md', 40],
  ])('has the tests that %s names', (path, leastCount) => {
    const named = testsNamedIn(readFileSync(path, 'utf8'));
    expect(named.length).toBeGreaterThan(leastCount);
    expect(named.filter((file) => !existsSync(file))).toEqual([]);
  });

  it('sees what it forbids', () => {
    expect(isForbidden({ from: 'src/engine/a.ts', target: '../agent/b.ts' })).toBe(true);
    expect(isForbidden({ from: 'src/model/a.ts', target: '../engine/b.ts' })).toBe(true);
    expect(isForbidden({ from: 'src/engine/a.ts', target: 'etcd3' })).toBe(true);
    expect(isForbidden({ from: 'src/fleetctl/a.ts', target: '../api/server.ts' })).toBe(true);
    expect(isForbidden({ from: 'src/fleetctl/a.ts', target: '../api/schema.ts' })).toBe(false);
    expect(isForbidden({ from: 'src/engine/a.ts', target: '../model/b.ts' })).toBe(false);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(20);
    expect(testsNamedIn('`test/a.test.ts`, `b.ts`, `test/c/`')).toEqual([
      'test/a.test.ts',
      'test/c/',
    ]);
  });
});
