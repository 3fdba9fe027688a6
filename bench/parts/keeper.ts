// What the thread that keeps the lease costs, and what a restart gains by it. Both sides of each
// pair come from the same run, one after the other: the memory and processor time of an idle
// registry with the lease kept in a thread and in the main loop; the time from the start of
// fleetd until its old lease is renewed, with and without the record that lets it renew before it
// has loaded the rest.
import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { systemClock } from '../../src/lib/clock.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { type StoredItem, withPrefix } from '../../src/registry/store.ts';
import { startEtcd } from '../../test/contract/etcd-server.ts';
import { keeperText } from '../../test/contract/keeper-code.ts';
import { median, told } from '../goal.ts';
import type { BenchPart, Figure, Row } from '../part.ts';

const never = new AbortController().signal;
const pathOf = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

/** What `npm run bench -- keeper` runs. */
export const part: BenchPart = {
  measures: 'the thread that keeps the lease: its memory and CPU, and how soon a restart renews',
  async measure({ size, say }) {
    const [runCount, idleMs] = size === 'full' ? [5, 15_000] : [1, 100];
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
    const etcd = await startEtcd();
    const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 5_000 };
    const store = new EtcdStore(access, systemClock);
    const place = { folder, endpoint: etcd.endpoint, store };
    try {
      say(`an idle registry, ${runCount} times ${idleMs / 1_000} s each way`);
      const weights = await weighBoth(place, { runCount, idleMs });
      say(`fleetd restarted, ${runCount} times each way`);
      return [...weights, ...(await restartBoth(place, runCount))];
    } finally {
      store.close();
      await etcd.stop();
      rmSync(folder, { recursive: true });
    }
  },
};

interface Place {
  readonly folder: string;
  readonly endpoint: string;
  readonly store: EtcdStore;
}

async function weighBoth(
  place: Place,
  { runCount, idleMs }: { readonly runCount: number; readonly idleMs: number },
): Promise<readonly Row[]> {
  const subject = await bundledSubject(place.folder);
  const weighed = { loop: [] as Weight[], thread: [] as Weight[] };
  for (let run = 0; run < runCount; run += 1) {
    weighed.loop.push(await weigh(place, subject, { how: 'loop', idleMs }));
    weighed.thread.push(await weigh(place, subject, { how: 'thread', idleMs }));
  }
  const pair = (what: string, unit: string, pick: (weight: Weight) => number): Row => {
    const figure = (how: 'loop' | 'thread', words: string): Figure => ({
      ...{ what: words, value: median(weighed[how].map(pick)), unit },
    });
    return told(figure('thread', `${what}, lease in a thread`), figure('loop', 'in the main loop'));
  };
  return [
    pair('resident memory', 'MB', ({ residentKb }) => residentKb / 1024),
    pair('private memory', 'MB', ({ privateKb }) => privateKb / 1024),
    pair(`CPU of ${idleMs / 1_000} s`, 'ms', ({ cpuMs }) => cpuMs),
  ];
}

async function restartBoth(place: Place, runCount: number): Promise<readonly Row[]> {
  const withMs: number[] = [];
  const withoutMs: number[] = [];
  await firstLife(place);
  for (let run = 0; run < runCount; run += 1) {
    withoutMs.push(await restart(place, false));
    withMs.push(await restart(place, true));
  }
  const what = 'from the start of fleetd to the first renewal, with its record';
  const without = { what: 'without the record', value: median(withoutMs), unit: 'ms' };
  return [told({ what, value: median(withMs), unit: 'ms' }, without)];
}

interface Weight {
  readonly residentKb: number;
  readonly privateKb: number;
  readonly cpuMs: number;
}

async function bundledSubject(folder: string): Promise<string> {
  const code = await keeperText();
  const outfile = join(folder, 'bin/subject.cjs');
  await build({
    ...{ entryPoints: [pathOf('bench/keeper-subject.ts')], bundle: true, outfile },
    ...{ platform: 'node', target: 'node24', format: 'cjs', logLevel: 'error' },
    define: { FLOTILLA_KEEPER: JSON.stringify(code.kind === 'text' ? code.text : '') },
  });
  cpSync(pathOf('node_modules/etcd3/proto'), join(folder, 'proto'), { recursive: true });
  return outfile;
}

async function weigh(
  { endpoint }: Place,
  subject: string,
  { how, idleMs }: { readonly how: 'loop' | 'thread'; readonly idleMs: number },
): Promise<Weight> {
  const child = spawn(process.execPath, [subject, endpoint, how], {
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

function startFleetd({ folder, endpoint }: Place): ChildProcess {
  const config = join(folder, 'fleet.conf');
  const lines = [
    `etcd_servers=${endpoint}`,
    'public_ip=127.0.0.1',
    `units_directory=${folder}/units`,
    `api_listen=unix://${folder}/fleet.sock`,
    'disable_engine=true',
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const nobody = `unix:path=${folder}/no-bus`;
  const env = { RUNTIME_DIRECTORY: folder, STATE_DIRECTORY: folder, PATH: process.env['PATH'] };
  return spawn(process.execPath, [pathOf('dist/bin/fleetd.cjs'), '--config', config], {
    env: { ...env, DBUS_SYSTEM_BUS_ADDRESS: nobody },
    stdio: 'ignore',
  });
}

async function machineKey({ store }: Place): Promise<StoredItem | null> {
  const range = withPrefix('/_coreos.com/fleet/machines/');
  const request = { range, limitCount: 1, revision: null, keysOnly: false };
  const answer = await store.range(request, never);
  return answer.ok ? (answer.value.items[0] ?? null) : null;
}

/** A first fleetd makes the cluster and its lease. */
async function firstLife(place: Place): Promise<void> {
  const child = startFleetd(place);
  while ((await machineKey(place)) === null) await sleep(50);
  await ended(child);
}

/** Starts fleetd on a lease that was not renewed for a while; milliseconds until it is. */
async function restart(place: Place, isRemembered: boolean): Promise<number> {
  const { folder, store } = place;
  const leaseId = (await machineKey(place))?.leaseId ?? null;
  if (leaseId === null) throw new Error('the machine has left');
  const leftMs = async (): Promise<number> =>
    (await store.inspectLease(leaseId, never))?.remainingMs ?? 0;
  while ((await leftMs()) > 8_000) await sleep(20);
  if (!isRemembered) rmSync(join(folder, 'lease.json'));
  const startedMs = performance.now();
  const child = startFleetd(place);
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
