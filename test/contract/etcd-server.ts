import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A real etcd of one member on loopback, for one test file. */
export interface EtcdServer {
  readonly endpoint: string;
  readonly port: number;
  /** Stops the process without ending it (SIGSTOP); it answers nothing. */
  pause(): void;
  resume(): void;
  /** Ends it at once and starts it again on the same data and port. */
  restart(): Promise<void>;
  /** Ends it at once, keeping data and port. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Saves a backup of all it has, as operators do. */
  backup(): Promise<EtcdBackup>;
  /**
   * Ends it, and starts another on the same port: from a backup, or from nothing; `token` makes
   * it another cluster in etcd's own eyes.
   */
  replace(backup: EtcdBackup | null, token?: string): Promise<void>;
}

/** The file of a backup. */
export interface EtcdBackup {
  readonly path: string;
}

/** How an etcd differs from the usual. */
export interface EtcdOptions {
  readonly quotaBytes?: number;
}

/** PEM files of an etcd that speaks TLS and wants certificates of its clients. */
export interface EtcdTlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Starts etcd with a data directory of its own. */
export async function startEtcd(
  tls: EtcdTlsFiles | null = null,
  options: EtcdOptions = {},
): Promise<EtcdServer> {
  const folder = await mkdtemp(join(tmpdir(), 'flotilla-etcd-'));
  let dataNumber = 1;
  const dataDir = (): string => join(folder, `data-${dataNumber}`);
  let token = 'etcd-cluster';
  const port = await freePort();
  const peerPort = await freePort();
  const metricsPort = await freePort();
  const places = (): EtcdPlaces => ({ dataDir: dataDir(), port, peerPort, metricsPort, token });
  let child: ChildProcess | null = null;
  const killNow = (): void => void child?.kill('SIGKILL');
  process.once('exit', killNow); // also when the test run itself dies
  const start = async (): Promise<void> => {
    child = spawn('/usr/bin/etcd', etcdArguments(places(), tls, options), { stdio: 'ignore' });
    await answersHealth(metricsPort);
  };
  const kill = async (): Promise<void> => {
    const dying = child;
    child = null;
    if (dying === null) return;
    const exited = new Promise((resolve) => dying.once('exit', resolve));
    dying.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    endpoint: `${schemeOf(tls)}://127.0.0.1:${port}`,
    port,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    restart: async () => {
      await kill();
      await start();
    },
    kill,
    start,
    stop: async () => {
      await kill();
      process.off('exit', killNow);
      await rm(folder, { recursive: true, force: true });
    },
    backup: async () => {
      const path = join(folder, `backup-${Date.now()}.db`);
      await etcdctl([`--endpoints=http://127.0.0.1:${port}`, 'snapshot', 'save', path]);
      return { path };
    },
    replace: async (backup, newToken = 'etcd-cluster') => {
      await kill();
      dataNumber += 1;
      token = newToken;
      const peer = `http://127.0.0.1:${peerPort}`;
      const self = [`--initial-cluster=default=${peer}`, `--initial-advertise-peer-urls=${peer}`];
      const where = [`--data-dir=${dataDir()}`, `--initial-cluster-token=${token}`];
      if (backup !== null) await etcdctl(['snapshot', 'restore', backup.path, ...self, ...where]);
      await start();
    },
  };
}

async function etcdctl(args: readonly string[]): Promise<void> {
  await run('/usr/bin/etcdctl', args, { env: { ...process.env, ETCDCTL_API: '3' } });
}

interface EtcdPlaces {
  readonly token: string;
  readonly dataDir: string;
  readonly port: number;
  readonly peerPort: number;
  readonly metricsPort: number;
}

function etcdArguments(
  places: EtcdPlaces,
  tls: EtcdTlsFiles | null,
  { quotaBytes }: EtcdOptions,
): string[] {
  const { dataDir, port, peerPort, metricsPort, token } = places;
  const peer = `http://127.0.0.1:${peerPort}`;
  const client = `${schemeOf(tls)}://127.0.0.1:${port}`;
  const tlsFlags =
    tls === null
      ? []
      : [
          `--cert-file=${tls.cert}`,
          `--key-file=${tls.key}`,
          `--trusted-ca-file=${tls.ca}`,
          '--client-cert-auth',
        ];
  return [
    `--data-dir=${dataDir}`,
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
    `--initial-cluster-token=${token}`,
    ...(quotaBytes === undefined ? [] : [`--quota-backend-bytes=${quotaBytes}`]),
    `--listen-metrics-urls=http://127.0.0.1:${metricsPort}`, // its health, without TLS
    ...tlsFlags,
  ];
}

function schemeOf(tls: EtcdTlsFiles | null): 'http' | 'https' {
  return tls === null ? 'http' : 'https';
}

async function answersHealth(port: number): Promise<void> {
  const deadlineMs = Date.now() + 30_000;
  for (;;) {
    try {
      const answer = await fetch(`http://127.0.0.1:${port}/health`);
      if (answer.ok && (await answer.text()).includes('true')) return;
    } catch (thrown) {
      if (Date.now() > deadlineMs) throw thrown;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
