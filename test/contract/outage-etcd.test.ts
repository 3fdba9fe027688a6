import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { MachineId } from '../../src/model/ids.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { type Reading, readWhole } from '../../src/registry/paged-read.ts';
import type { KeyRange, Store } from '../../src/registry/store.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';
import { aName, aReport, never, ordering, TestCluster, ttlMs } from './ledger-subject.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

let etcd: EtcdServer;
let proxy: TcpProxy;
let cluster: TestCluster;
const stores: EtcdStore[] = [];

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(async () => {
  etcd = await startEtcd();
  proxy = await startProxy(etcd.port);
  cluster = clusterAt([proxy.endpoint]);
});

afterEach(async () => {
  etcd.resume();
  await cluster.stop();
  for (const store of stores.splice(0)) store.close();
  await proxy.close();
  await etcd.stop();
});

function aMachine(id: string): MachineId {
  return id as MachineId;
}

function wholeOf(store: Store, range: KeyRange): Promise<Reading> {
  const ranges = [{ range, keysOnly: false }];
  return cluster.done(readWhole(store, { ranges, revision: null }, never));
}

function clusterAt(endpoints: readonly string[]): TestCluster {
  const access = { endpoints, tls: null, login: null, requestTimeoutMs: 500 };
  const openStore = (): EtcdStore => {
    const store = new EtcdStore(access, systemClock);
    stores.push(store);
    return store;
  };
  const unused = async (): Promise<void> => undefined;
  const subject = { clock: systemClock, openStore, pass, compact: unused, stop: unused };
  return new TestCluster(subject, '/outage/');
}

test('a transaction that a stalled etcd carries out late cannot break the chain', async () => {
  const daemon = await cluster.join('1');
  const session = await daemon.lead();
  etcd.pause();
  const lost = session.commit([ordering('1', 'a.service')], never).catch(() => 'still open');
  await pass(700); // beyond the request timeout: the answer counts as lost
  etcd.resume();
  expect(['unknown', 'still open']).toContain(await cluster.done(lost));
  const moved = async (): Promise<string> => {
    const moving = session.commit([ordering('2', 'a.service')], never);
    return cluster.done(moving.catch(() => 'away'));
  };
  let outcome = await moved();
  for (let count = 1; outcome !== 'committed' && count < 10; count += 1) outcome = await moved();
  expect(outcome).toBe('committed');
  await cluster.done(session.commit([ordering('2', 'b.service')], never));
  const first = session.picture().orders.get(aMachine('1'))?.size ?? 0;
  const { items } = await wholeOf(daemon.store, daemon.keys.ordersOf(aMachine('1')));
  // Whatever became of the lost one, the picture that the move was planned from knew it.
  expect(items.length).toBe(first);
});

test('an etcd that restarts costs no lease, and watches come back within the TTL', async () => {
  const daemon = await cluster.join('1');
  const session = await daemon.lead();
  await cluster.until('the book was read', () => daemon.ledger.orderBook() !== null);
  const leaseId = daemon.lease.id;
  let lostCount = 0;
  daemon.lease.onLost(() => {
    lostCount += 1;
  });
  await etcd.kill();
  await pass(2 * ttlMs);
  await etcd.start();
  const commit = (): Promise<string> =>
    session.commit([ordering('1', 'a.service')], never).catch(() => 'away');
  let outcome = await cluster.done(commit());
  for (let count = 1; outcome !== 'committed' && count < 50; count += 1) {
    await pass(50);
    outcome = await cluster.done(commit());
  }
  expect(outcome).toBe('committed');
  await cluster.until('the order arrives', () => daemon.ledger.orderBook()?.orders.size === 1);
  await pass(ttlMs);
  expect([daemon.lease.id, lostCount, session.isLive()]).toEqual([leaseId, 0, true]);
});

test('a network that swallows packets is noticed and left for a new connection', async () => {
  const daemon = await cluster.join('1');
  await cluster.until('the book was read', () => daemon.ledger.orderBook() !== null);
  const other = await clusterAt([etcd.endpoint]).join('2');
  const session = await other.lead();
  proxy.stall();
  await pass(300);
  await proxy.heal(); // only new connections work: the old one stays dead
  await cluster.done(session.commit([ordering('1', 'a.service')], never));
  await cluster.until('the order arrives', () => daemon.ledger.orderBook()?.orders.size === 1);
  const leaseId = daemon.lease.id;
  if (leaseId === null) throw new Error('the lease was lost');
  expect(await cluster.done(other.store.inspectLease(leaseId, never))).not.toBeNull();
  const report = new Map([[aName('a.service'), aReport('active')]]);
  await cluster.done(daemon.ledger.report(report, never));
  await other.crash();
});

test('a cut connection gives clear errors, then everything goes on by itself', async () => {
  const daemon = await cluster.join('1');
  await proxy.cut();
  const reading = cluster.done(daemon.catalog.readUnits({ start: null, limitCount: 1 }, never));
  await expect(reading).rejects.toMatchObject({
    trouble: { code: 'registry/unavailable', retry: 'soon' },
  });
  await proxy.heal();
  const submitted = new Promise<void>((resolve) => {
    const look = (): void => {
      daemon.catalog.readUnits({ start: null, limitCount: 1 }, never).then(
        () => resolve(),
        () => setTimeout(look, 50),
      );
    };
    look();
  });
  await cluster.done(submitted);
});

test('with one of two members dead, the other is used', async () => {
  const two = clusterAt(['http://127.0.0.1:1', etcd.endpoint]);
  const daemon = await (async () => {
    const booting = two.boot('9');
    const memory = { clusterId: null, epoch: null, revision: null };
    const settle = (): Promise<unknown> => booting.cluster.settle(memory, 'nine', never);
    await two.done(settle().catch(settle));
    expect(await two.done(booting.registration.join(never))).toEqual({ kind: 'registered' });
    return booting;
  })();
  expect(daemon.registration.isRegistered).toBe(true);
  await two.stop();
});
