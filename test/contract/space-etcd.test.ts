import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { watchSpace } from '../../src/daemon/space-watch.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { FleetError } from '../../src/lib/error.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { spaceHint } from '../../src/registry/etcd-trouble.ts';
import { CapturedLog } from '../builders/captured-log.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';
import { aSubmission, never, ordering, TestCluster, ttlMs } from './ledger-subject.ts';

const run = promisify(execFile);
/** A quota that is used up in a moment. */
const quotaBytes = 4 * 1024 * 1024;

let etcd: EtcdServer;
let cluster: TestCluster;
const stores: EtcdStore[] = [];
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeAll(async () => {
  etcd = await startEtcd(null, { quotaBytes });
  const access = { endpoints: [etcd.endpoint], tls: null, login: null, requestTimeoutMs: 1000 };
  const openStore = (): EtcdStore => {
    const store = new EtcdStore(access, systemClock);
    stores.push(store);
    return store;
  };
  const unused = async (): Promise<void> => undefined;
  const subject = { clock: systemClock, openStore, pass, compact: unused, stop: unused };
  cluster = new TestCluster(subject, '/space/');
});

afterAll(async () => {
  await cluster.stop();
  for (const store of stores) store.close();
  await etcd.stop();
});

async function etcdctl(...args: readonly string[]): Promise<string> {
  const environment = { ...process.env, ETCDCTL_API: '3' };
  const flags = [`--endpoints=${etcd.endpoint}`, ...args];
  return (await run('/usr/bin/etcdctl', flags, { env: environment })).stdout;
}

test('a full etcd freezes the cluster and ends no lease; with space again all goes on', async () => {
  const daemon = await cluster.join('1');
  const session = await daemon.lead();
  const { fill, lease, gate } = daemon;
  const log = new CapturedLog();
  const end = new AbortController();
  const isLeader = (): boolean => session.isLive();
  const options = { store: daemon.store, fill, isLeader, clock: systemClock, log };
  const watching = watchSpace(options, end.signal);
  const value = 'x'.repeat(100_000);
  const put = { kind: 'put', key: '/other', value, leaseId: null } as const;
  let problem: unknown = null;
  for (let count = 0; problem === null && count < 200; count += 1) {
    await daemon.store.txn({ onlyIf: [], writes: [put] }, never).catch((error: unknown) => {
      problem = error;
    });
  }
  expect(problem).toBeInstanceOf(FleetError);
  expect(problem).toMatchObject({ trouble: { code: 'registry/full', hint: spaceHint } });
  const submitting = cluster.done(daemon.catalog.submit(aSubmission('a.service'), never));
  await expect(submitting).rejects.toMatchObject({ trouble: { code: 'registry/full' } });
  const placing = cluster.done(session.commit([ordering('1', 'a.service')], never));
  await expect(placing).rejects.toMatchObject({ trouble: { code: 'registry/full' } });
  await cluster.until('the leader has looked', () => fill.sizeBytes !== null);
  expect(fill.state).toBe('full');
  expect(log.messages()).toEqual(['store is full, leaving everything as it is']);
  await pass(2 * ttlMs);
  expect([lease.steadyMs > ttlMs, session.isLive(), gate.isOpen]).toEqual([true, true, true]);

  const status = JSON.parse(await etcdctl('endpoint', 'status', '-w', 'json')) as readonly {
    readonly Status: { readonly header: { readonly revision: number } };
  }[];
  await etcdctl('compact', String(status[0]?.Status.header.revision));
  await etcdctl('defrag');
  await etcdctl('alarm', 'disarm');
  expect(await cluster.done(daemon.catalog.submit(aSubmission('a.service'), never))).toBe(
    'created',
  );
  expect(await cluster.done(session.commit([ordering('1', 'a.service')], never))).toBe('committed');
  expect((await daemon.store.space(never)).isFull).toBe(false);
  expect(log.messages().at(-1)).toBe('store has space again');
  end.abort();
  await watching;
});
