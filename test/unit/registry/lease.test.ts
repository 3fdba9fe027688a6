import { expect, test } from 'vitest';
import type { Revision } from '../../../src/model/ids.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { MachineLease } from '../../../src/registry/lease.ts';
import type { LeaseEvents } from '../../../src/registry/lease-keeper.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { StoreGate } from '../../../src/registry/store-gate.ts';
import { StoreKeeper } from '../../../src/registry/store-keeper.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const ttlMs = 3000;

async function held(): Promise<{ clock: ManualClock; store: FaultyStore; lease: MachineLease }> {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryStore(clock));
  const lease = new MachineLease({ store, clock, keeper: new StoreKeeper(store, clock), ttlMs });
  await lease.grant(new AbortController().signal);
  return { clock, store, lease };
}

test('as long as renewals are answered in time, the lease is steady since it was granted', async () => {
  const { clock, lease } = await held();
  expect(lease.steadyMs).toBe(0);
  await clock.pass(10_000);
  expect(lease.steadyMs).toBe(10_000);
});

test('a short trouble, in which no lease could run out, is none', async () => {
  const { clock, store, lease } = await held();
  await clock.pass(ttlMs);
  store.cut();
  await clock.pass(ttlMs / 2);
  store.heal();
  await clock.pass(ttlMs);
  expect(lease.steadyMs).toBe(2.5 * ttlMs);
});

test('after a gap in which leases could run out, being steady begins anew', async () => {
  const { clock, store, lease } = await held();
  await clock.pass(10_000);
  store.cut();
  await clock.pass(0.7 * ttlMs);
  expect(lease.steadyMs).toBe(0);
  store.heal();
  await clock.pass(ttlMs);
  expect(lease.id).not.toBeNull();
  expect(lease.steadyMs).toBeGreaterThan(ttlMs / 2);
  expect(lease.steadyMs).toBeLessThanOrEqual(ttlMs);
});

test('a lease that is not held is not steady', async () => {
  const { clock, lease } = await held();
  await clock.pass(ttlMs);
  await lease.release(new AbortController().signal);
  expect(lease.steadyMs).toBe(0);
});

test('each renewal is told with the time at which it was sent, and the last one at once', async () => {
  const { clock, lease } = await held();
  const sent: number[] = [];
  lease.onRenewed((sentAtMs) => sent.push(sentAtMs));
  await clock.pass(ttlMs);
  expect(sent).toEqual([0, 1_000, 2_000, 3_000]);
  await lease.release(new AbortController().signal);
  await clock.pass(ttlMs);
  lease.onRenewed(() => sent.push(-1));
  expect(sent).toHaveLength(4);
});

test('a lease in doubt is held on to, however long etcd is away: only etcd says that it is gone', async () => {
  const { clock, store, lease } = await held();
  let lostCount = 0;
  lease.onLost(() => {
    lostCount += 1;
  });
  const before = lease.id;
  store.cut();
  await clock.pass(20 * ttlMs);
  expect({ id: lease.id, lostCount }).toEqual({ id: before, lostCount: 0 });
  store.heal(); // the store has let it run out meanwhile
  await clock.pass(ttlMs);
  expect({ id: lease.id, lostCount }).toEqual({ id: null, lostCount: 1 });
});

/** A lease that is renewed over a connection of the keeper's own, beside a gate that is open. */
async function keptBeside() {
  const clock = new ManualClock();
  const store = new FaultyStore(new MemoryStore(clock));
  const gate = new StoreGate(clock);
  const record = { clusterId: 'c', epoch: 1, formatNeeded: 1 };
  const known = { clusterId: 'c', epoch: 1, storeId: 'ours', revision: 7n as Revision };
  gate.open({ known, record, guard: [], isThaw: false });
  const keeper = new StoreKeeper(store, clock);
  let events: LeaseEvents | null = null;
  keeper.keep = (_lease, told) => {
    events = told;
    return () => undefined;
  };
  const lease = new MachineLease({ store, clock, keeper, ttlMs, gate });
  await lease.grant(new AbortController().signal);
  const sent: number[] = [];
  let lostCount = 0;
  lease.onLost(() => {
    lostCount += 1;
  });
  lease.onRenewed((sentAtMs) => sent.push(sentAtMs));
  const answer = (storeId: string, revision: bigint): void => {
    const atMs = clock.nowMs();
    events?.answered({ sentAtMs: atMs, atMs, header: { storeId, revision: revision as Revision } });
  };
  return { clock, store, gate, lease, sent, answer, lostCount: () => lostCount };
}

test('a renewal by another etcd, where a backup has our lease, is none', async () => {
  const { clock, store, lease, sent, answer, lostCount } = await keptBeside();
  store.cut();
  for (let turn = 1; turn <= 6; turn += 1) {
    await clock.pass(ttlMs / 3);
    answer('another', 9n);
    await clock.pass(0);
  }
  expect({ sent, steadyMs: lease.steadyMs, lostCount: lostCount() }).toEqual({
    ...{ sent: [0], steadyMs: 0, lostCount: 0 },
  });
  store.heal(); // where it has run out meanwhile
  answer('another', 9n);
  await clock.pass(ttlMs / 3);
  expect([lease.id, lostCount()]).toEqual([null, 1]);
});

test('after a renewal by another etcd ours is asked', async () => {
  const { clock, lease, sent, answer } = await keptBeside();
  await clock.pass(1_000);
  answer('another', 9n);
  await clock.pass(1);
  expect(sent).toEqual([0, 1_000]);
  expect(lease.id).not.toBeNull();
});

test('a renewal over the connection of the keeper tells how far the store is', async () => {
  const { clock, gate, sent, answer } = await keptBeside();
  await clock.pass(1_000);
  answer('ours', 12n);
  expect([sent, gate.known?.revision]).toEqual([[0, 1_000], 12n]);
  answer('ours', 5n); // a member may be behind the others
  expect([gate.isOpen, gate.known?.revision]).toEqual([true, 12n]);
});
