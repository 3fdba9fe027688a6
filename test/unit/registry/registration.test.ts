import { expect, test } from 'vitest';
import type { BootId, MachineId, UnitIdentity } from '../../../src/model/ids.ts';
import type { Machine } from '../../../src/model/machine.ts';
import { openRegistry } from '../../../src/registry/connect-registry.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;

/** Steps of the join that the change comes after. */
const stepCounts = Array.from({ length: 25 }, (_none, count) => count);

test.each(stepCounts)('a change %i steps into a join is not lost', async (stepCount) => {
  const clock = new ManualClock();
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
  });
  await registry.cluster.settle({ clusterId: null, epoch: null, revision: null }, 'ours', never);
  const joined = registry.registration.join(never);
  for (let count = 0; count < stepCount; count += 1) await Promise.resolve();
  await registry.registration.update({ metadata: new Map([['rack', 'new']]) }, never);
  expect(await joined).toEqual({ kind: 'registered' });
  const { items } = await registry.catalog.readMachines({ start: null, limitCount: 1 }, never);
  expect(items[0]?.metadata.get('rack')).toBe('new');
  registry.close();
});
