// A machine that is a folder, and a fleet-cloudinit that works on it as its users run it.
// Knows applyUserData; the folder is real, what commands would do is only kept as text.
// Start with aMachineFolder: `await using machine = await aMachineFolder()`.
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { applyUserData, type ExitStatus, type Surroundings } from '../../src/cloudinit/apply.ts';
import type { GetUrl } from '../../src/cloudinit/get-url.ts';
import { cloudinitProgram, type Flags } from '../../src/cloudinit/program.ts';
import type { RunCommand } from '../../src/cloudinit/run-command.ts';

/** What one run said and did. */
export interface CloudinitRun {
  readonly status: ExitStatus;
  /** What it printed and said, a line each. */
  readonly out: readonly string[];
  readonly err: readonly string[];
}

/** What may differ from a machine on which everything is well. */
export interface RunSurroundings {
  readonly get?: GetUrl;
  readonly run?: RunCommand;
  readonly environment?: Surroundings['environment'];
  readonly isRoot?: boolean;
}

/** A machine in a folder; removed at the end of its scope. */
export interface MachineFolder extends AsyncDisposable {
  readonly root: string;
  /** Writes a file of the machine. */
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
  /** Writes user-data and applies it below the folder. */
  apply(userData: string, some?: RunSurroundings): Promise<CloudinitRun>;
  /** Runs with these arguments; none is added. */
  run(args: readonly string[], some?: RunSurroundings): Promise<CloudinitRun>;
  /** Every file below the folder that the machine did not begin with, as text. */
  tree(): Promise<string>;
}

const unitsHere = ['etcd.service', 'fleet.service', 'docker.service', 'systemd-networkd.service'];

const begin: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/bash\nold:x:1000:1000::/home/old:/bin/sh\n',
  '/etc/group': 'root:x:0:\nsudo:x:27:\ndocker:x:998:old\nold:x:1000:\n',
  '/etc/hostname': 'here\n',
  '/etc/hosts': '127.0.0.1 localhost\n10.0.0.9 elsewhere\n',
  '/etc/environment': 'LANG=C.UTF-8\nCOREOS_PUBLIC_IPV4=198.51.100.7\n',
  '/home/old/.ssh/authorized_keys': 'ssh-ed25519 AAAAmine me@home\n',
};

/** A machine with an etcd and a fleetd that have not started yet. */
export async function aMachineFolder(): Promise<MachineFolder> {
  const root = await mkdtemp(join(tmpdir(), 'flotilla-cloudinit-'));
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  };
  for (const [path, text] of Object.entries(begin)) await write(path, text);
  for (const unit of unitsHere) await write(`/usr/lib/systemd/system/${unit}`, '[Service]\n');
  const run: MachineFolder['run'] = (args, some = {}) => runWith(args, some);
  return {
    ...{ root, write, run },
    read: (path) => readFile(join(root, path), 'utf8'),
    apply: async (userData, some) => {
      const path = join(root, 'user-data');
      await writeFile(path, userData);
      const ran = await run(['--from-file', path, '--root', root], some);
      const plain = (line: string): string => line.replaceAll(`${root}/`, '');
      return { ...ran, out: ran.out.map(plain), err: ran.err.map(plain) };
    },
    tree: () => treeOf(root),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

async function runWith(args: readonly string[], some: RunSurroundings): Promise<CloudinitRun> {
  const out: string[] = [];
  const err: string[] = [];
  const status = await applyUserData(
    cloudinitProgram()
      .parse([...args], { from: 'user' })
      .opts<Flags>(),
    {
      environment: {},
      interfaces: [{ address: '10.0.0.5', isInternal: false }],
      isRoot: true,
      get: () => Promise.resolve({ kind: 'away', why: 'no test may ask' }),
      run: () => Promise.reject(new Error('no test may run commands')),
      ...some,
      say: (line) => err.push(`fleet-cloudinit: ${line}`),
      tell: (line) => err.push(line),
      print: (line) => out.push(line),
    },
  );
  return { status, out, err };
}

async function treeOf(root: string): Promise<string> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .filter((path) => path !== '/user-data' && !path.startsWith('/usr/lib/'))
    .toSorted();
  const shown: string[] = [];
  for (const path of paths) {
    const entry = entries.find((one) => join(one.parentPath, one.name) === root + path);
    if (entry?.isSymbolicLink() === true) {
      shown.push(`=== ${path} -> ${await readlink(root + path)}\n`);
      continue;
    }
    const text = (await readFile(root + path)).toString('utf8');
    if (begin[path] === text) continue;
    const mode = ((await stat(root + path)).mode & 0o7777).toString(8).padStart(4, '0');
    shown.push(`=== ${path} ${mode}\n${text}`);
  }
  return shown.join('\n');
}
