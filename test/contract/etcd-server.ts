import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
}

/** PEM files of an etcd that speaks TLS and wants certificates of its clients. */
export interface EtcdTlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Starts etcd with a data directory of its own. */
export async function startEtcd(tls: EtcdTlsFiles | null = null): Promise<EtcdServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'flotilla-etcd-'));
  const port = await freePort();
  const peerPort = await freePort();
  const metricsPort = await freePort();
  const places = { dataDir, port, peerPort, metricsPort };
  let child: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    child = spawn('/usr/bin/etcd', etcdArguments(places, tls), { stdio: 'ignore' });
    const started = child;
    process.once('exit', () => started.kill('SIGKILL')); // also when the test run itself dies
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
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

interface EtcdPlaces {
  readonly dataDir: string;
  readonly port: number;
  readonly peerPort: number;
  readonly metricsPort: number;
}

function etcdArguments(places: EtcdPlaces, tls: EtcdTlsFiles | null): string[] {
  const { dataDir, port, peerPort, metricsPort } = places;
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
