import { MemoryStore } from '../../src/registry/memory-store.ts';
import { ManualClock } from '../builders/manual-clock.ts';
import { foreignRecord } from './foreign-record.ts';
import { identityContract } from './identity-contract.ts';

identityContract('the twin in memory', async () => {
  const clock = new ManualClock();
  let store = new MemoryStore(clock);
  let saved: MemoryStore | null = null;
  const stores = [store];
  const other = async (what: string): Promise<MemoryStore> => {
    if (what === 'the backup' && saved !== null) return saved;
    const fresh = new MemoryStore(clock, what === 'empty' ? 'memory' : 'another');
    if (what === 'another cluster') await foreignRecord(fresh);
    return fresh;
  };
  return {
    clock,
    openStore: () => store,
    pass: (ms) => clock.pass(ms),
    compact: async (at) => store.compact(at),
    stop: async () => {
      for (const each of stores) each.close();
    },
    backup: async () => {
      saved = store.restoredCopy(clock, 'memory');
      stores.push(saved);
    },
    become: async (what, daemons) => {
      store = await other(what);
      stores.push(store);
      for (const { faults } of daemons) faults.swap(store);
    },
  };
});
