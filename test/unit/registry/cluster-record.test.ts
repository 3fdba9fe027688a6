import { expect, test } from 'vitest';
import type { Revision } from '../../../src/model/ids.ts';
import { judgeStore, type StoreFindings } from '../../../src/registry/judge-store.ts';
import type { ClusterMemory } from '../../../src/registry/store-gate.ts';

const record = { clusterId: 'ours', formatNeeded: 1, epoch: 2 };
const newcomer: ClusterMemory = { clusterId: null, epoch: null, revision: null };
const member: ClusterMemory = {
  clusterId: 'ours',
  epoch: 2,
  storeId: 'one',
  revision: 100n as Revision,
};

function found(change: Partial<StoreFindings>): StoreFindings {
  return { storeId: 'one', revision: 100n as Revision, record, isEmpty: false, ...change };
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
    { revision: 99n as Revision, record: { ...record, epoch: 3 } },
    'join',
  ],
  [
    'another etcd with our cluster in it was restored from a backup, however far it has got',
    member,
    { storeId: 'two', revision: 200n as Revision },
    'store-not-ours',
  ],
  [
    'another etcd that an operator adopted is followed',
    member,
    { storeId: 'two', record: { ...record, epoch: 3 } },
    'join',
  ],
  [
    'a store from before the last adoption was restored',
    member,
    { revision: 200n as Revision, record: { ...record, epoch: 1 } },
    'store-went-back',
  ],
  [
    'what was never remembered is not missed',
    { ...member, storeId: null, revision: null },
    { storeId: 'two' },
    'join',
  ],
  [
    'a cluster that needs a newer format is left alone',
    member,
    { record: { ...record, formatNeeded: 99 } },
    'store-too-new',
  ],
] as const)('%s', (_title, memory, change, wanted) => {
  const verdict = judgeStore(memory, found(change), 1);
  expect(verdict.kind === 'freeze' ? verdict.why : verdict.kind).toBe(wanted);
});
