import { MemoryStore } from '../../src/registry/memory-store.ts';
import { ManualClock } from '../builders/manual-clock.ts';
import { pagesContract } from './pages-contract.ts';

pagesContract('the twin in memory', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  return {
    clock,
    openStore: () => store,
    pass: (ms) => clock.pass(ms),
    compact: async (at) => store.compact(at),
    stop: async () => store.close(),
  };
});
