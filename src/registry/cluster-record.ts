import type { Revision } from '../model/ids.ts';
import { type ClusterRecord, clusterCodec, formatNow } from './codec.ts';
import type { Keys } from './keys.ts';
import { readKeys } from './paged-read.ts';
import { type Compare, type Store, withPrefix } from './store.ts';

/** What is remembered of the cluster on this machine; all null on a machine that is new to it. */
export interface ClusterMemory {
  readonly clusterId: string | null;
  /** The epoch that was followed last. */
  readonly epoch: number | null;
  /** The highest revision seen in this boot. */
  readonly revision: Revision | null;
}

/** What the store holds. */
export interface StoreFindings {
  readonly revision: Revision;
  /** null: there is no `cluster` key; a text: it is there and not understood, and why. */
  readonly record: ClusterRecord | string | null;
  readonly isEmpty: boolean;
}

/** What to do about a store. `freeze`: change nothing and say why. */
export type ClusterVerdict =
  | { readonly kind: 'create' }
  | { readonly kind: 'join'; readonly record: ClusterRecord }
  | {
      readonly kind: 'freeze';
      readonly why: 'store-not-ours' | 'store-went-back' | 'store-too-new';
      readonly reason: string;
    };

/**
 * Whether a store is ours. Only a machine without a memory may create a cluster, and only in a
 * store that holds nothing: an emptied etcd must never look like a new one.
 */
export function judgeStore(memory: ClusterMemory, found: StoreFindings): ClusterVerdict {
  const { record } = found;
  if (typeof record === 'string') {
    return freeze('store-not-ours', `the record of the cluster is not understood: ${record}`);
  }
  if (record === null) {
    if (memory.clusterId !== null) {
      return freeze('store-not-ours', `no cluster is stored, ours is ${memory.clusterId}`);
    }
    return found.isEmpty
      ? { kind: 'create' }
      : freeze('store-not-ours', 'there are keys under the prefix, but no cluster record');
  }
  if (memory.clusterId !== null && memory.clusterId !== record.clusterId) {
    const both = `the store is of cluster ${record.clusterId}, ours is ${memory.clusterId}`;
    return freeze('store-not-ours', both);
  }
  if (record.formatNeeded > formatNow) {
    const both = `the cluster needs format ${record.formatNeeded}, this fleetd knows ${formatNow}`;
    return freeze('store-too-new', both);
  }
  const isAdopted = memory.epoch !== null && record.epoch > memory.epoch;
  if (memory.revision !== null && found.revision < memory.revision && !isAdopted) {
    const both = `the store is at revision ${found.revision}, it was at ${memory.revision}`;
    return freeze('store-went-back', both);
  }
  return { kind: 'join', record };
}

function freeze(
  why: 'store-not-ours' | 'store-went-back' | 'store-too-new',
  reason: string,
): ClusterVerdict {
  return { kind: 'freeze', why, reason };
}

/** The `cluster` key: finding out whose store this is, and the guard that it still is. */
export class ClusterClaim {
  readonly #store: Store;
  readonly #keys: Keys;
  #createRevision: Revision | null = null;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** What a write has to compare; nothing before the first `settle` that joined. */
  guard(): readonly Compare[] {
    if (this.#createRevision === null) return [];
    return [{ kind: 'created', key: this.#keys.cluster, at: this.#createRevision }];
  }

  /**
   * Looks whose store this is and creates the cluster where that is allowed; `newClusterId` is
   * used only then. One try; throws FleetError. The caller remembers the id of a joined cluster.
   */
  async settle(
    memory: ClusterMemory,
    newClusterId: string,
    signal: AbortSignal,
  ): Promise<Exclude<ClusterVerdict, { kind: 'create' }>> {
    for (;;) {
      const found = await this.#look(signal);
      const verdict = judgeStore(memory, found);
      if (verdict.kind === 'join') this.#createRevision = found.createRevision;
      if (verdict.kind !== 'create') return verdict;
      await this.#create(newClusterId, signal); // then look: another machine may have been faster
    }
  }

  async #look(
    signal: AbortSignal,
  ): Promise<StoreFindings & { readonly createRevision: Revision | null }> {
    const key = this.#keys.cluster;
    const reading = await readKeys(this.#store, { keys: [key], revision: null }, signal);
    const item = reading.items[0] ?? null;
    const range = withPrefix(this.#keys.prefix);
    const isEmpty = await this.#store.txn(
      { onlyIf: [{ kind: 'empty', range }], writes: [] },
      signal,
    );
    const record = item === null ? null : clusterCodec.decode(item.value);
    return {
      revision: reading.revision,
      record: record === null ? null : record.ok ? record.value : record.error,
      isEmpty: isEmpty.succeeded,
      createRevision: item?.createRevision ?? null,
    };
  }

  async #create(clusterId: string, signal: AbortSignal): Promise<void> {
    const range = withPrefix(this.#keys.prefix);
    const value = clusterCodec.encode({ clusterId, formatNeeded: 1, epoch: 1 });
    const put = { kind: 'put', key: this.#keys.cluster, value, leaseId: null } as const;
    await this.#store.txn({ onlyIf: [{ kind: 'empty', range }], writes: [put] }, signal);
  }
}
