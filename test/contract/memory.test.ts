import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bareNode, fleetdEnvironment, weightOf } from '../../bench/weight.ts';
import { heapTidyLimits } from '../../src/lib/heap-tidy.ts';
import { prepareCheckout } from '../cluster/fleetlab.ts';
import { startEtcd } from './etcd-server.ts';

/** Against what the same Node weighs with a thread and HTTP/2; about 1.5 when all goes well. */
const timesBareMax = 1.8;
const { lookEveryMs, passCount, passEveryMs } = heapTidyLimits;
const tidiedMs = 2 * lookEveryMs + passCount * passEveryMs;

test('an idle fleetd, some time after its start, is not much heavier than the Node it runs on', async () => {
  await prepareCheckout();
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-memory-'));
  const etcd = await startEtcd();
  const conf = join(folder, 'fleet.conf');
  const listen = `units_directory=${folder}/units\napi_listen=unix://${folder}/fleet.sock\n`;
  writeFileSync(conf, `etcd_servers=${etcd.endpoint}\npublic_ip=127.0.0.1\n${listen}`);
  const children: ChildProcess[] = [];
  try {
    const bare = bareNode();
    const fleetd = spawn(process.execPath, ['dist/bin/fleetd.cjs', '--config', conf], {
      env: fleetdEnvironment(folder),
      stdio: 'ignore',
    });
    children.push(bare, fleetd);
    const timesBare = (): number => weightOf(fleetd).private / weightOf(bare).private;
    // Starting takes more; what it takes is given back.
    await expect.poll(() => existsSync(join(folder, 'lease.json')), { timeout: 30_000 }).toBe(true);
    await expect
      .poll(timesBare, { timeout: tidiedMs + 10_000, interval: 1000 })
      .toBeLessThan(timesBareMax);
  } finally {
    for (const child of children) child.kill('SIGKILL');
    await etcd.stop();
    rmSync(folder, { recursive: true });
  }
}, 120_000);
