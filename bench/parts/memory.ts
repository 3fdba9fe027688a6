// fleetd as fleet.service starts it, on a real etcd and without systemd: idle, and after units came
// and went. Beside it stands the least that its design can weigh: the same Node with one thread
// besides its main one, and gRPC's HTTP/2 in both. The cost of a unit is that of the real agent and
// registry, in a process of their own, on a systemd of paper.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { heapTidyLimits } from '../../src/lib/heap-tidy.ts';
import { startEtcd } from '../../test/contract/etcd-server.ts';
import { atMost, atMostTimes } from '../goal.ts';
import type { BenchPart, Figure, Row } from '../part.ts';
import { bareNode, fleetdEnvironment, type Weight, weightOf } from '../weight.ts';

const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { lookEveryMs, passCount, passEveryMs } = heapTidyLimits;

const sizes = {
  full: { restMs: 2 * lookEveryMs + passCount * passEveryMs, churnCount: 2000, units: [200, 5200] },
  small: { restMs: 500, churnCount: 5, units: [1, 5] },
} as const;

/** What `npm run bench -- memory` runs. */
export const part: BenchPart = {
  measures: 'fleetd: idle, after units came and went, and what each unit on the machine adds',
  async measure({ size, say }) {
    const { restMs, churnCount, units } = sizes[size];
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
    const etcd = await startEtcd();
    const bare = bareNode();
    const fleetd = startFleetd(folder, etcd.endpoint);
    try {
      await untilServed(folder);
      say(`fleetd at rest for ${restMs / 1000} s`);
      await sleep(restMs);
      const idle = weightOf(fleetd);
      const rows = idleRows(idle, weightOf(bare));
      say(`${churnCount} units come and go`);
      await churn(folder, churnCount);
      await sleep(restMs);
      const after = figure('private, after units came and went', weightOf(fleetd).private);
      const before = figure('before', idle.private);
      say(`an agent with ${units.join(', then ')} units`);
      const row = await unitRow(etcd.endpoint, units);
      return [...rows, atMostTimes(after, 1.2, before), row];
    } finally {
      await Promise.all([ended(fleetd), ended(bare)]);
      await etcd.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

function figure(what: string, value: number): Figure {
  return { what, value, unit: 'MB' };
}

function idleRows(idle: Weight, bare: Weight): readonly Row[] {
  const words = 'node with a thread and HTTP/2 alone';
  return [
    // With the keeper thread, whose price docs/adr/0015 tells; 70 and 25 without.
    atMost(figure('fleetd idle, resident', idle.resident), 85, figure(words, bare.resident)),
    atMost(figure('fleetd idle, private', idle.private), 36, figure(words, bare.private)),
  ];
}

function startFleetd(folder: string, endpoint: string): ChildProcess {
  const config = join(folder, 'fleet.conf');
  const lines = [
    ...[`etcd_servers=${endpoint}`, 'public_ip=127.0.0.1', 'agent_ttl=3s'],
    ...[`units_directory=${folder}/units`, `api_listen=unix://${folder}/fleet.sock`],
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  return spawn(process.execPath, [pathOf('dist/bin/fleetd.cjs'), '--config', config], {
    env: fleetdEnvironment(folder),
    stdio: 'ignore',
  });
}

const startMsMax = 30_000;

async function untilServed(folder: string): Promise<void> {
  const signal = AbortSignal.timeout(startMsMax);
  for (;;) {
    const status = await ask(folder, 'GET', '/fleet/v1/machines').catch(() => 0);
    if (status === 200) return;
    await sleep(100, undefined, { signal });
  }
}

async function churn(folder: string, count: number): Promise<void> {
  const section = { section: 'Service', name: 'ExecStart', value: '/usr/bin/sleep infinity' };
  const body = { desiredState: 'inactive', options: [section] };
  const together = 20;
  for (let first = 0; first < count; first += together) {
    const paths = Array.from(
      { length: Math.min(together, count - first) },
      (_, at) => `/fleet/v1/units/churn-${first + at}.service`,
    );
    await Promise.all(paths.map((path) => ask(folder, 'PUT', path, body)));
    await Promise.all(paths.map((path) => ask(folder, 'DELETE', path)));
  }
}

/** The status of the answer. */
function ask(folder: string, method: string, path: string, body?: object): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request({ socketPath: `${folder}/fleet.sock`, method, path, headers }, (answer) =>
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0)),
    );
    sent.once('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** From the first count on, so that what the first units bring with them is counted once. */
async function unitRow(endpoint: string, counts: readonly [number, number]): Promise<Row> {
  const args = ['--expose-gc', pathOf('bench/agent-subject.ts'), endpoint, ...counts.map(String)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const weighed: { readonly unitCount: number; readonly bytes: number }[] = [];
  for await (const line of createInterface(child.stdout)) weighed.push(JSON.parse(line));
  const [few, many] = weighed;
  if (few === undefined || many === undefined) throw new Error('the agent did not weigh itself');
  const kilobytes = (many.bytes - few.bytes) / 1024 / (many.unitCount - few.unitCount);
  const what = `each of ${many.unitCount} units on one machine, heap of its fleetd`;
  return atMost({ what, value: Math.max(kilobytes, 0), unit: 'KB' }, 2);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
