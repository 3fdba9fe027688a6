import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { joiningFrom } from '../../src/daemon/joining.ts';
import { settingDefaults } from '../../src/daemon/settings.ts';
import type { Here } from '../../src/fleetctl/here.ts';
import { runFleetctl } from '../../src/fleetctl/program.ts';
import type { SshSettings } from '../../src/fleetctl/ssh-settings.ts';
import type { MachineId } from '../../src/model/ids.ts';
import type { Notice, Notices } from '../../src/model/notice.ts';
import type { StoreMember } from '../../src/registry/store.ts';
import { type ApiServer, serveOnSocket } from './api-server.ts';
import { FakeCluster, type FakeClusterOptions } from './fake-cluster.ts';
import { PaperStore } from './paper-store.ts';

/** Nothing was said about SSH. */
export const noSshSettings: SshSettings = {
  tunnel: null,
  username: null,
  timeoutMs: null,
  hostKeyChecking: null,
  knownHostsFile: null,
};

/** Nowhere in particular: no terminal, and no machine of the cluster. */
export function aHere(environment: Here['environment'] = {}): Here {
  const input = { isTTY: false, stream: () => Readable.from([]) };
  return { environment, input, isInteractive: false, machineId: () => null };
}

/** What one command line did. */
export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** A cluster, its API on a socket, and a folder with unit files. */
export interface Session {
  readonly cluster: FakeCluster;
  readonly server: ApiServer;
  /** What the cluster has to tell; a test may add to it. */
  readonly notices: Notice[];
  /** The store as a whole; a test may make it another one. */
  readonly store: PaperStore;
  /** The members of its etcd; a test may change them. */
  readonly members: StoreMember[];
  /** Writes a unit file; returns its path. */
  file(name: string, text: string | Uint8Array): string;
  /**
   * Puts a script in the PATH of fleetctl, in front of the real program of that name. `ssh` is one
   * from the start, which ends with 255: a session never connects to anything but its own socket.
   */
  program(name: string, script: string): void;
  /** Makes a machine of the cluster this one. */
  beAt(machine: MachineId): void;
  run(...args: string[]): Promise<Outcome>;
  /** What was typed and what came of it, with paths that are the same everywhere. */
  transcript(...args: string[]): Promise<string>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** A stream that keeps what is written to it. */
export class Sink extends Writable {
  readonly isTTY: boolean;
  readonly columns = 80;
  text = '';

  constructor(isTTY = false) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
  }

  override _write(chunk: string, _encoding: string, done: () => void): void {
    this.text += chunk;
    done();
  }
}

export async function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  machineIdPath = '/nonexistent',
): Promise<Outcome> {
  const [out, err] = [new Sink(), new Sink()];
  const status = await runFleetctl({ args, environment, out, err, machineIdPath });
  return { status, out: out.text, err: err.text };
}

export async function aSession(options: FakeClusterOptions): Promise<Session> {
  const cluster = new FakeCluster(options);
  await cluster.start();
  const told: Notice[] = [];
  const notices: Notices = { read: async () => told };
  const store = new PaperStore();
  const members = [1, 2, 3].map((number): StoreMember => {
    const clientUrls = [`http://10.0.0.${number}:2379`];
    return { name: `m${number}`, clientUrls, isLearner: number === 3 };
  });
  const server = await serveOnSocket({
    catalog: cluster.catalog,
    roster: cluster.roster,
    notices,
    store,
    joining: joiningFrom({ members: async () => members }, settingDefaults),
  });
  const machineIdPath = join(server.folder, 'machine-id');
  const environment = {
    FLEETCTL_ENDPOINT: `unix://${server.socketPath}`,
    PATH: `${join(server.folder, 'bin')}:${process.env['PATH'] ?? ''}`,
    HOME: server.folder,
    TMPDIR: server.folder,
  };
  const run = (...args: string[]): Promise<Outcome> => {
    return runCommand(args, environment, machineIdPath);
  };
  const program = (name: string, script: string): void => {
    const path = join(server.folder, 'bin', name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  };
  // The machines are of paper: whatever a test types, nothing may reach for their addresses.
  program('ssh', 'exit 255');
  return {
    cluster,
    server,
    notices: told,
    store,
    members,
    file(name, text) {
      const path = join(server.folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    program,
    beAt: (machine) => writeFileSync(machineIdPath, `${machine}\n`),
    run,
    async transcript(...args) {
      const { status, out, err } = await run(...args);
      const typed = `$ fleetctl ${args.join(' ')}\n`;
      const said = [out, err === '' ? '' : `stderr:\n${err}`].join('');
      const text = `${typed}${said}exit ${status}\n`;
      return text.replaceAll(server.folder, 'FOLDER');
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
