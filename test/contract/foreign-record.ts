import { clusterCodec } from '../../src/registry/codec.ts';
import type { Store } from '../../src/registry/store.ts';

/** Makes a store that of another cluster, further on than ours. */
export async function foreignRecord(store: Store): Promise<void> {
  const signal = new AbortController().signal;
  const key = '/identity/cluster';
  for (let count = 0; count < 100; count += 1) {
    const value = clusterCodec.encode({ clusterId: 'theirs', formatNeeded: 1, epoch: 9 });
    await store.txn({ onlyIf: [], writes: [{ kind: 'put', key, value, leaseId: null }] }, signal);
  }
}
