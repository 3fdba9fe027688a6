import { expect, test } from 'vitest';
import type { BootId, MachineId, UnitIdentity } from '../../../src/model/ids.ts';
import type { Machine } from '../../../src/model/machine.ts';
import { openRegistry, type Registry } from '../../../src/registry/connect-registry.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { LeaseId } from '../../../src/registry/store.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;

/** Steps of the join that the change comes after. */
const stepCounts = Array.from({ length: 25 }, (_none, count) => count);

/** A machine's registry, on a store of its own, before it has joined. */
async function booted(clock: ManualClock, isGoingDown = false): Promise<Registry> {
  const self: Machine = {
    id: '1'.repeat(32) as MachineId,
    bootId: 'boot' as BootId,
    address: '10.0.0.1',
    version: '1',
    metadata: new Map([['rack', 'old']]),
    leaving: false,
  };
  const registry = openRegistry({
    ...{ store: new MemoryStore(clock), keyPrefix: '/fleet', ttlMs: 2_000, self, clock },
    newIdentity: () => 'one' as UnitIdentity,
    mayReturn: async () => !isGoingDown,
  });
  await registry.cluster.settle({ clusterId: null, epoch: null, revision: null }, 'ours', never);
  return registry;
}

test.each(stepCounts)('a change %i steps into a join is not lost', async (stepCount) => {
  const registry = await booted(new ManualClock());
  const joined = registry.registration.join(never);
  for (let count = 0; count < stepCount; count += 1) await Promise.resolve();
  await registry.registration.update({ metadata: new Map([['rack', 'new']]) }, never);
  expect(await joined).toEqual({ kind: 'registered' });
  const { items } = await registry.catalog.readMachines({ start: null, limitCount: 1 }, never);
  expect(items[0]?.metadata.get('rack')).toBe('new');
  registry.close();
});

/** What a joined machine does about a loss in the store, before it would renew anything. */
async function afterLoss(
  lose: (registry: Registry, leaseId: LeaseId) => Promise<unknown>,
  isGoingDown = false,
): Promise<{ readonly isListed: boolean; readonly isSameLease: boolean }> {
  const clock = new ManualClock();
  const registry = await booted(clock, isGoingDown);
  const { registration, lease, catalog } = registry;
  const ending = new AbortController();
  const kept = registration.keep(ending.signal);
  await clock.pass(100);
  const before = lease.id ?? ('none' as LeaseId);
  await lose(registry, before);
  await clock.pass(200);
  const { items } = await catalog.readMachines({ start: null, limitCount: 1 }, never);
  ending.abort();
  expect(await kept).toEqual({ kind: 'stopped' });
  registry.close();
  return { isListed: items.length === 1, isSameLease: lease.id === before };
}

test('a machine whose lease was ended too early joins again before the next renewal', async () => {
  const seen = await afterLoss(({ store }, leaseId) => store.revokeLease(leaseId, never));
  expect(seen).toEqual({ isListed: true, isSameLease: false });
});

test('a machine whose record was deleted writes it again, on the lease that it holds', async () => {
  const seen = await afterLoss(({ store, keys }) => {
    const writes = [{ kind: 'delete', key: keys.machine('1'.repeat(32) as MachineId) }] as const;
    return store.txn({ onlyIf: [], writes }, never);
  });
  expect(seen).toEqual({ isListed: true, isSameLease: true });
});

test('a machine that is on its way down does not join again', async () => {
  const lose = (registry: Registry, leaseId: LeaseId): Promise<void> =>
    registry.store.revokeLease(leaseId, never);
  expect(await afterLoss(lose, true)).toEqual({ isListed: false, isSameLease: false });
});

test('orders from before the last join do not count as current', async () => {
  const clock = new ManualClock();
  const registry = await booted(clock);
  const { registration, ledger, lease, store } = registry;
  const ending = new AbortController();
  const running = [registration.keep(ending.signal), ledger.run(ending.signal)];
  await clock.pass(100);
  expect(ledger.isCurrent()).toBe(true);
  const atJoin: boolean[] = [];
  registration.onChange(() => {
    if (registration.isRegistered) atJoin.push(ledger.isCurrent());
  });
  await store.revokeLease(lease.id ?? ('none' as LeaseId), never);
  await clock.pass(200);
  expect([atJoin, ledger.isCurrent()]).toEqual([[false], true]);
  ending.abort();
  await Promise.all(running);
  registry.close();
});
