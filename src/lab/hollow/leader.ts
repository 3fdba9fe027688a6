import type { ChildProcess } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok } from '../../lib/result.ts';
import { labFailed } from '../trouble.ts';
import { until } from '../until.ts';
import { startCompanion } from './companion.ts';
import { fetchText } from './fetch-text.ts';
import { freePort } from './free-port.ts';

const limits = { readyMs: 30_000, wordsMax: 5 } as const;

/** A real fleetd that may lead; it has no systemd, so that no unit runs on it. */
export interface Leader {
  /** Of its API. */
  readonly url: string;
  readonly process: ChildProcess;
  /** Where it keeps what it knows. */
  readonly folder: string;
}

/** The lease that fleetd has left for the next of its kind; null when there is none. */
export function leaseLeftBy({ folder }: Leader): string | null {
  try {
    return /"leaseId":"(\d+)"/.exec(readFileSync(join(folder, 'lease.json'), 'utf8'))?.[1] ?? null;
  } catch {
    return null; // it never had one
  }
}

/** What fleetd is to know. */
export interface LeaderOptions {
  /** Its own, for what it keeps. */
  readonly folder: string;
  readonly machineId: string;
  readonly endpoints: readonly string[];
  readonly keyPrefix: string;
  readonly agentTtl: string;
  /** The folder of the built programs. */
  readonly programs: string;
}

/** Gives a program another machine-id than this computer's, and nothing else. */
const withMachineId = 'mount --bind "$0" /etc/machine-id && exec "$@"';

/** Starts fleetd as it is, on this computer, under a machine-id of its own. */
export async function startLeader(options: LeaderOptions, signal: AbortSignal): Promise<Leader> {
  const { folder, endpoints, keyPrefix, agentTtl } = options;
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const lines = [
    `etcd_servers=${endpoints.join(',')}`,
    `etcd_key_prefix=${keyPrefix}`,
    `agent_ttl=${agentTtl}`,
    'etcd_request_timeout=5s',
    'public_ip=127.0.0.1',
    `units_directory=${folder}/units`,
    `api_listen=tcp://127.0.0.1:${port}`,
    'wedge_seconds=3600', // its systemd never answers
  ];
  const config = join(folder, 'fleet.conf');
  const machineId = join(folder, 'machine-id');
  writeFileSync(config, `${lines.join('\n')}\n`);
  writeFileSync(machineId, `${options.machineId}\n`);
  const log = openSync(join(folder, 'log'), 'w');
  const fleetd = [process.execPath, join(options.programs, 'fleetd.cjs'), '--config', config];
  const words = ['unshare', '--mount', 'sh', '-c', withMachineId, machineId, ...fleetd];
  const child = startCompanion(words, {
    stdio: ['ignore', log, log],
    env: {
      PATH: process.env['PATH'],
      RUNTIME_DIRECTORY: folder,
      STATE_DIRECTORY: folder,
      DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${folder}/no-systemd`,
    },
  });
  const url = `http://127.0.0.1:${port}`;
  await until({ what: 'fleetd joined', timeoutMs: limits.readyMs, signal }, async () => {
    const machines = await fetchText(`${url}/fleet/v1/machines`);
    if (child.exitCode !== null) throw hasEnded(child.exitCode, folder);
    return machines.ok && machines.value.includes(options.machineId)
      ? ok(null)
      : fail(lastWords(folder) || 'it does not list itself');
  });
  return { url, process: child, folder };
}

function hasEnded(status: number, folder: string): Error {
  const words = `fleetd ended with status ${status}: ${lastWords(folder)}`;
  return labFailed(words, 'is there an etcd that it can use?');
}

function lastWords(folder: string): string {
  const lines = readFileSync(join(folder, 'log'), 'utf8').trim().split('\n');
  return lines.slice(-limits.wordsMax).join('; ');
}
