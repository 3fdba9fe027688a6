import { MemoryStore } from '../../src/registry/memory-store.ts';
import { ManualClock } from '../builders/manual-clock.ts';
import { storeContract } from './store-contract.ts';

storeContract('the twin in memory', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  return {
    store,
    pass: (ms) => clock.pass(ms),
    compact: async (at) => store.compact(at),
    stop: async () => store.close(),
  };
});
