import type { ChildProcess } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok } from '../../lib/result.ts';
import { until } from '../until.ts';
import { startCompanion } from './companion.ts';
import { fetchText } from './fetch-text.ts';
import { freePort } from './free-port.ts';

const limits = { healthyMs: 30_000 } as const;

/** An etcd of one member on this computer, for one run. */
export interface OwnEtcd {
  readonly endpoint: string;
  readonly process: ChildProcess;
}

/** Starts an etcd with its data below `folder`, as its units that we ship start it. */
export async function startOwnEtcd(folder: string, signal: AbortSignal): Promise<OwnEtcd> {
  const [client, peer] = [await freePort(), await freePort()];
  const endpoint = `http://127.0.0.1:${client}`;
  const data = join(folder, 'etcd');
  mkdirSync(data, { recursive: true });
  const words = [
    `--data-dir=${data}`,
    `--listen-client-urls=${endpoint}`,
    `--advertise-client-urls=${endpoint}`,
    `--listen-peer-urls=http://127.0.0.1:${peer}`,
    '--auto-compaction-mode=periodic',
    '--auto-compaction-retention=1h',
    '--log-level=error',
  ];
  const process = startCompanion(['etcd', ...words], { stdio: 'ignore' });
  const wait = { what: 'etcd healthy', timeoutMs: limits.healthyMs, hint: 'see why with `etcd`' };
  await until({ ...wait, signal }, async () => {
    const health = await fetchText(`${endpoint}/health`);
    return health.ok && health.value.includes('"true"') ? ok(null) : fail(`${endpoint} is silent`);
  });
  return { endpoint, process };
}
