import { expect, test } from 'vitest';
import { openRegistry } from '../../../src/registry/connect-registry.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { aMachine, machineId } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;

test('a daemon that has not joined writes nothing for others: an empty store stays empty', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const self = aMachine(machineId(1));
  const { catalog, cluster } = openRegistry({ store, keyPrefix: '/f/', ttlMs: 3000, self, clock });
  const change = { machine: self.id, key: 'zone', value: 'a' };
  await expect(catalog.changeMetadata([change], never)).rejects.toMatchObject({
    message: 'this fleetd has not joined its cluster yet',
    trouble: { code: 'registry/unavailable', retry: 'soon' },
  });
  const memory = { clusterId: null, epoch: null, revision: null };
  expect(await cluster.settle(memory, 'ours', never)).toMatchObject({ kind: 'join' });
  await catalog.changeMetadata([change], never);
});
