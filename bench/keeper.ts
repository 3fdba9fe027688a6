// What the thread that keeps the lease costs, and what a restart gains by it:
// `node bench/keeper.ts [RUNS]`. Both sides of each pair come from the same run, one after the other:
// the memory and processor time of an idle registry with the lease kept in a thread and in the main
// loop; the time from the start of fleetd until its old lease is renewed, with and without
// the record that lets it renew before it has loaded the rest.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from 'esbuild';
import { systemClock } from '../src/lib/clock.ts';
import { EtcdStore } from '../src/registry/etcd-store.ts';
import { type StoredItem, withPrefix } from '../src/registry/store.ts';
import { startEtcd } from '../test/contract/etcd-server.ts';
import { keeperText } from '../test/contract/keeper-code.ts';

const runCount = Number(process.argv[2] ?? 5);
const idleMs = 15_000;
const never = new AbortController().signal;

const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
const etcd = await startEtcd();
const store = new EtcdStore(
  { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 5_000 },
  systemClock,
);
try {
  const subject = await bundledSubject();
  console.log(`idle registry after ${idleMs / 1_000} s, median of ${runCount} runs`);
  const weighed = new Map<string, Weight[]>();
  for (let run = 0; run < runCount; run += 1) {
    for (const how of ['loop', 'thread']) {
      weighed.set(how, [...(weighed.get(how) ?? []), await weigh(subject, how)]);
    }
  }
  for (const [how, weights] of weighed) {
    const kb = (pick: (weight: Weight) => number): string =>
      `${(median(weights.map(pick)) / 1024).toFixed(1)} MB`;
    const cpuMs = median(weights.map((weight) => weight.cpuMs));
    const parts = [`resident ${kb((w) => w.residentKb)}`, `private ${kb((w) => w.privateKb)}`];
    console.log(`  ${how.padEnd(8)} ${parts.join(', ')}, ${cpuMs} ms of processor time`);
  }
  console.log(`from the start of fleetd to the first renewal, median of ${runCount} runs`);
  const renewed = new Map<string, number[]>();
  await firstLife();
  for (let run = 0; run < runCount; run += 1) {
    for (const how of ['without the record', 'with it']) {
      renewed.set(how, [...(renewed.get(how) ?? []), await restart(how === 'with it')]);
    }
  }
  for (const [how, timesMs] of renewed) {
    console.log(`  ${how.padEnd(20)} ${Math.round(median(timesMs))} ms`);
  }
} finally {
  store.close();
  await etcd.stop();
  rmSync(folder, { recursive: true });
}

interface Weight {
  readonly residentKb: number;
  readonly privateKb: number;
  readonly cpuMs: number;
}

async function bundledSubject(): Promise<string> {
  const code = await keeperText();
  const outfile = join(folder, 'bin/subject.cjs');
  await build({
    ...{ entryPoints: ['bench/keeper-subject.ts'], bundle: true, outfile },
    ...{ platform: 'node', target: 'node24', format: 'cjs', logLevel: 'error' },
    define: { FLOTILLA_KEEPER: JSON.stringify(code.kind === 'text' ? code.text : '') },
  });
  cpSync('node_modules/etcd3/proto', join(folder, 'proto'), { recursive: true });
  return outfile;
}

async function weigh(subject: string, how: string): Promise<Weight> {
  const child = spawn(process.execPath, [subject, etcd.endpoint, how], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const before = cpuMsOf(child);
  await sleep(idleMs);
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8');
  const kb = (name: string): number =>
    Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(rollup)?.[1] ?? Number.NaN);
  const weight = {
    residentKb: kb('Rss'),
    privateKb: kb('Private_Clean') + kb('Private_Dirty'),
    cpuMs: cpuMsOf(child) - before,
  };
  await ended(child);
  return weight;
}

/** Processor time of a process, at the usual 100 ticks a second. */
function cpuMsOf(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function startFleetd(): ChildProcess {
  const config = join(folder, 'fleet.conf');
  const lines = [
    `etcd_servers=${etcd.endpoint}`,
    'public_ip=127.0.0.1',
    `units_directory=${folder}/units`,
    `api_listen=unix://${folder}/fleet.sock`,
    'disable_engine=true',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const nobody = `unix:path=${folder}/no-bus`;
  const env = { RUNTIME_DIRECTORY: folder, STATE_DIRECTORY: folder, PATH: process.env['PATH'] };
  return spawn(process.execPath, ['dist/bin/fleetd.cjs', '--config', config], {
    env: { ...env, DBUS_SYSTEM_BUS_ADDRESS: nobody },
    stdio: 'ignore',
  });
}

async function machineKey(): Promise<StoredItem | null> {
  const range = withPrefix('/_coreos.com/fleet/machines/');
  const request = { range, limitCount: 1, revision: null, keysOnly: false };
  const answer = await store.range(request, never);
  return answer.ok ? (answer.value.items[0] ?? null) : null;
}

/** A first fleetd makes the cluster and its lease. */
async function firstLife(): Promise<void> {
  const child = startFleetd();
  while ((await machineKey()) === null) await sleep(50);
  await ended(child);
}

/** Starts fleetd on a lease that was not renewed for a while; milliseconds until it is. */
async function restart(isRemembered: boolean): Promise<number> {
  const leaseId = (await machineKey())?.leaseId ?? null;
  if (leaseId === null) throw new Error('the machine has left');
  const leftMs = async (): Promise<number> =>
    (await store.inspectLease(leaseId, never))?.remainingMs ?? 0;
  while ((await leftMs()) > 8_000) await sleep(20);
  if (!isRemembered) rmSync(join(folder, 'lease.json'));
  const startedMs = performance.now();
  const child = startFleetd();
  while ((await leftMs()) < 9_000) await sleep(1);
  const tookMs = performance.now() - startedMs;
  // It joins, and its record lies in the folder again.
  while (!existsSync(join(folder, 'lease.json'))) await sleep(20);
  await sleep(1_000);
  await ended(child);
  return tookMs;
}

async function ended(child: ChildProcess): Promise<void> {
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}
