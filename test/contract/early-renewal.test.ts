import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import type { LeaseId } from '../../src/registry/store.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';

const fleetd = fileURLToPath(new URL('../../bin/fleetd', import.meta.url));
const never = new AbortController().signal;
const ttlMs = 4_000;

let folder = '';
let etcd: EtcdServer;
let store: EtcdStore;
let child: ChildProcess | null = null;
let output = '';

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-fleetd-'));
  output = '';
  etcd = await startEtcd();
  const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 1_000 };
  store = new EtcdStore(access, systemClock);
});
afterEach(async () => {
  child?.kill('SIGKILL');
  store.close();
  await etcd.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** A fleetd of this computer that cannot join: the store belongs to another cluster. */
async function start(): Promise<void> {
  const key = '/_coreos.com/fleet/cluster';
  const value = JSON.stringify({ format: 1, clusterId: 'other', epoch: 1 });
  await store.txn({ onlyIf: [], writes: [{ kind: 'put', key, value, leaseId: null }] }, never);
  writeFileSync(join(folder, 'cluster.json'), '{"clusterId":"ours","epoch":1}');
  const socket = `unix://${folder}/fleet.sock`;
  const lines = [`etcd_servers=${etcd.endpoint}`, 'public_ip=10.0.0.1', `api_listen=${socket}`];
  writeFileSync(join(folder, 'fleet.conf'), `${lines.join('\n')}\n`);
  const folders = { RUNTIME_DIRECTORY: folder, STATE_DIRECTORY: folder };
  child = spawn(fleetd, ['--config', join(folder, 'fleet.conf')], {
    env: { PATH: process.env['PATH'], ...folders },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout?.on('data', (data: Buffer) => {
    output += data.toString();
  });
  await expect.poll(() => output, { timeout: 30_000 }).toContain('froze: the store is not ours');
}

function remember(leaseId: LeaseId, bootId: string): void {
  writeFileSync(join(folder, 'lease.json'), JSON.stringify({ leaseId, ttlMs, bootId }));
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const ourBoot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

test('a fleetd renews the lease of the process before it, whatever else it still has to do', async () => {
  await fleetdBuilt();
  const { leaseId } = await store.grantLease(ttlMs, never);
  remember(leaseId, ourBoot);
  await start();
  await pass(1.5 * ttlMs);
  expect(await store.inspectLease(leaseId, never)).not.toBeNull();
});

test('a lease of another boot is left alone', async () => {
  const { leaseId } = await store.grantLease(ttlMs, never);
  remember(leaseId, 'another boot');
  await start();
  await pass(1.5 * ttlMs);
  expect(await store.inspectLease(leaseId, never)).toBeNull();
});

/** The first start of a checkout may build: that must not cost the lease its time. */
function fleetdBuilt(): Promise<unknown> {
  const built = spawn(fleetd, ['--version'], { stdio: 'ignore' });
  return new Promise((resolve) => built.once('exit', resolve));
}
