import type { Revision } from '../model/ids.ts';
import type { FreezeWord } from '../model/store-standing.ts';
import type { ClusterRecord } from './codec.ts';
import { anotherEtcd, type ClusterMemory } from './store-gate.ts';

/** What the store holds. */
export interface StoreFindings {
  /** The id that etcd gives itself. */
  readonly storeId: string;
  readonly revision: Revision;
  /** null: there is no `cluster` key; a text: it is there and not understood, and why. */
  readonly record: ClusterRecord | string | null;
  readonly isEmpty: boolean;
}

/** What to do about a store. `freeze`: change nothing and say why. */
export type ClusterVerdict =
  | { readonly kind: 'create' }
  | { readonly kind: 'join'; readonly record: ClusterRecord }
  | { readonly kind: 'freeze'; readonly why: FreezeWord; readonly reason: string };

/**
 * Whether a store is ours. Only a machine without a memory may create a cluster, and only in a
 * store that holds nothing: an emptied etcd must never look like a new one. A higher epoch than the
 * one that was followed says that an operator wants this store to be followed, whatever it is.
 * `formatMax`: the newest format that this fleetd understands.
 */
export function judgeStore(
  memory: ClusterMemory,
  found: StoreFindings,
  formatMax: number,
): ClusterVerdict {
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
  if (record.formatNeeded > formatMax) {
    const both = `the cluster needs format ${record.formatNeeded}, this fleetd knows ${formatMax}`;
    return freeze('store-too-new', both);
  }
  return judgeAge(memory, found, record);
}

/** It is our cluster's: is it also the etcd that we know, and not from before? */
function judgeAge(
  memory: ClusterMemory,
  found: StoreFindings,
  record: ClusterRecord,
): ClusterVerdict {
  if (memory.epoch !== null && record.epoch > memory.epoch) return { kind: 'join', record };
  if (memory.epoch !== null && record.epoch < memory.epoch) {
    const both = `the store is of epoch ${record.epoch}, ours is ${memory.epoch}`;
    return freeze('store-went-back', both);
  }
  if (memory.revision !== null && found.revision < memory.revision) {
    const both = `etcd is at revision ${found.revision}, it was at ${memory.revision}`;
    return freeze('store-went-back', both);
  }
  const storeId = memory.storeId ?? found.storeId;
  if (storeId !== found.storeId) {
    return freeze('store-not-ours', anotherEtcd(found.storeId, storeId));
  }
  return { kind: 'join', record };
}

function freeze(why: FreezeWord, reason: string): ClusterVerdict {
  return { kind: 'freeze', why, reason };
}
