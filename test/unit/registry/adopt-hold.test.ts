import { expect, test } from 'vitest';
import { holdMs } from '../../../src/model/hold.ts';
import type { MachineId, UnitIdentity } from '../../../src/model/ids.ts';
import type { Order } from '../../../src/model/order.ts';
import { ClusterClaim } from '../../../src/registry/cluster-record.ts';
import { orderCodec } from '../../../src/registry/codec.ts';
import { Keys } from '../../../src/registry/keys.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { StoreGate } from '../../../src/registry/store-gate.ts';
import type { ContentHash, UnitHash } from '../../../src/unitfile/unit-hash.ts';
import { anOrder, aUnit, named } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;
const keys = new Keys('/fleet/');
const solo = named('solo');
const newcomer = { clusterId: null, epoch: null, revision: null };
const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };

const plain = {
  identity: 'solo-1' as UnitIdentity,
  unitHash: 'u1' as UnitHash,
  contentHash: 'c1' as ContentHash,
};

/** A store from before the last adoption, with an order in it, and one that is frozen at it. */
async function frozenAt(some: Partial<Order>) {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  await new ClusterClaim({ store, keys, gate: new StoreGate(clock) }).settle(newcomer, 'c', never);
  const value = orderCodec.encode({ ...anOrder(aUnit(solo)), ...plain, ...some });
  const key = keys.order('1' as MachineId, solo);
  await store.txn({ onlyIf: [], writes: [{ kind: 'put', key, value, leaseId: null }] }, never);
  const claim = new ClusterClaim({ store, keys, gate: new StoreGate(clock) });
  const member = { clusterId: 'c', epoch: 2, revision: null };
  expect(await claim.settle(member, 'x', never)).toMatchObject({ why: 'store-went-back' });
  return { clock, adopt: () => claim.adopt(member, 'x', never) };
}

test('a store with units that must not run twice is adopted once their copies have ended', async () => {
  const { clock, adopt } = await frozenAt({ guard });
  expect(await adopt()).toMatchObject({ kind: 'refused', hint: expect.stringContaining('9 s') });
  await clock.pass(holdMs(guard) - 1);
  expect(await adopt()).toMatchObject({ kind: 'refused', hint: expect.stringContaining('1 s') });
  await clock.pass(1);
  expect(await adopt()).toEqual({ kind: 'adopted', clusterId: 'c', epoch: 3 });
});

test('one without such units is adopted at once', async () => {
  const { adopt } = await frozenAt({});
  expect(await adopt()).toMatchObject({ kind: 'adopted' });
});
