import type { MetadataChange } from '../model/catalog.ts';
import { metadataCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import type { Compare, Op, Store } from './store.ts';
import { raced, requireOurStore } from './store-guard.ts';

/** Records changes of metadata, all in one step; see `Catalog.changeMetadata`. */
export async function recordMetadata(
  parts: {
    readonly store: Store;
    readonly keys: Keys;
    readonly storeGuard: () => readonly Compare[];
  },
  changes: readonly MetadataChange[],
  signal: AbortSignal,
): Promise<void> {
  const { store, keys, storeGuard } = parts;
  // No key twice in one transaction: the last change of each counts.
  const values = new Map<string, string>();
  for (const { machine, key, value } of changes) {
    // An empty value stands for none: it has to outweigh the configured one.
    values.set(keys.metadata(machine, key), metadataCodec.encode({ value: value ?? '' }));
  }
  if (values.size === 0) return;
  const writes = [...values].map(
    ([key, value]): Op => ({ kind: 'put', key, value, leaseId: null }),
  );
  const answer = await store.txn({ onlyIf: storeGuard(), writes }, signal);
  if (answer.succeeded) return;
  await requireOurStore(parts, signal);
  throw raced('the cluster record');
}
