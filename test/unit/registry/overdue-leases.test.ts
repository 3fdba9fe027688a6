import { expect, test } from 'vitest';
import type { MachineId } from '../../../src/model/ids.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { overdueMachines } from '../../../src/registry/overdue-leases.ts';
import type { LeaseId } from '../../../src/registry/store.ts';
import { machineId } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const ttlMs = 3_000;
const signal = new AbortController().signal;
const [m1, m2] = [machineId(1), machineId(2)];

/** What is seen of two machines whose leases were renewed so long ago, and some during the look. */
async function lookedAt(
  agoMs: number,
  renewDuringLook: readonly MachineId[],
  leastCount = 1,
): Promise<unknown> {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const leases = new Map<MachineId, LeaseId>();
  for (const id of [m1, m2]) leases.set(id, (await store.grantLease(ttlMs, signal)).leaseId);
  await clock.pass(agoMs);
  const looking = overdueMachines({ store, clock, ttlMs, leases, leastCount }, signal);
  await clock.pass(ttlMs / 12);
  for (const id of renewDuringLook) {
    await store.renewLease(leases.get(id) ?? ('' as LeaseId), ttlMs, signal);
  }
  await clock.pass(ttlMs);
  const late = await looking;
  return [...late];
}

test('leases that were renewed a moment ago are not late', async () => {
  expect(await lookedAt(500, [])).toEqual([]);
});

test('leases that nobody renews are late, and so is one that ended meanwhile', async () => {
  expect(await lookedAt(2_000, [])).toEqual([m1, m2]);
  expect(await lookedAt(4_000, [])).toEqual([m1, m2]);
});

test('one that is renewed at the last moment is not', async () => {
  expect(await lookedAt(2_000, [m2])).toEqual([m1]);
});

test('fewer than make a difference are none', async () => {
  expect(await lookedAt(2_000, [], 2)).toEqual([m1, m2]);
  expect(await lookedAt(2_000, [m2], 2)).toEqual([]);
});

test('when too few seem to be late they are not waited for', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const leases = new Map([[m1, (await store.grantLease(ttlMs, signal)).leaseId]]);
  await clock.pass(2_000);
  const look = { store, clock, ttlMs, leases };
  expect([...(await overdueMachines({ ...look, leastCount: 2 }, signal))]).toEqual([]);
});
