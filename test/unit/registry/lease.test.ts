import { expect, test } from 'vitest';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { MachineLease } from '../../../src/registry/lease.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
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
