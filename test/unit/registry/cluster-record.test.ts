import { expect, test } from 'vitest';
import type { Revision } from '../../../src/model/ids.ts';
import {
  type ClusterMemory,
  judgeStore,
  type StoreFindings,
} from '../../../src/registry/cluster-record.ts';

const record = { clusterId: 'ours', formatNeeded: 1, epoch: 1 };
const newcomer: ClusterMemory = { clusterId: null, epoch: null, revision: null };
const member: ClusterMemory = { clusterId: 'ours', epoch: 1, revision: 100n as Revision };

function found(change: Partial<StoreFindings>): StoreFindings {
  return { revision: 100n as Revision, record, isEmpty: false, ...change };
}

test.each([
  [
    'a newcomer creates a cluster in an empty store',
    newcomer,
    { record: null, isEmpty: true },
    'create',
  ],
  ['a newcomer joins what it finds', newcomer, {}, 'join'],
  [
    'a newcomer freezes before keys without a cluster',
    newcomer,
    { record: null },
    'store-not-ours',
  ],
  [
    'a member never creates: the store was emptied',
    member,
    { record: null, isEmpty: true },
    'store-not-ours',
  ],
  ['a member joins its own cluster', member, {}, 'join'],
  [
    'a member freezes before another cluster',
    member,
    { record: { ...record, clusterId: 'x' } },
    'store-not-ours',
  ],
  [
    'a record that is not understood is not absent',
    newcomer,
    { record: 'garbage' },
    'store-not-ours',
  ],
  [
    'a store that went back in time was restored',
    member,
    { revision: 99n as Revision },
    'store-went-back',
  ],
  [
    'a restored store with a higher epoch was adopted by an operator',
    member,
    { revision: 99n as Revision, record: { ...record, epoch: 2 } },
    'join',
  ],
  [
    'a cluster that needs a newer format is left alone',
    member,
    { record: { ...record, formatNeeded: 99 } },
    'store-too-new',
  ],
] as const)('%s', (_title, memory, change, wanted) => {
  const verdict = judgeStore(memory, found(change));
  expect(verdict.kind === 'freeze' ? verdict.why : verdict.kind).toBe(wanted);
});
