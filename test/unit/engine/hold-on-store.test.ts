import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { unbraked } from '../../../src/engine/brake.ts';
import { runEngine } from '../../../src/engine/engine.ts';
import type { BootId } from '../../../src/model/ids.ts';
import { openRegistry, type Registry } from '../../../src/registry/connect-registry.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { Store } from '../../../src/registry/store.ts';
import type { ContentHash, UnitHash } from '../../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { aMachine, aUnit, machineId, named } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const ttlMs = 3_000;
const holdMs = 5_000 + 5_000 + 1_000;
const units = [1, 2, 3, 4, 5, 6].map((number) => named(`solo@${number}`));
const [m1, m2] = [machineId(1), machineId(2)];
const { signal } = new AbortController();

/** A machine with a lease that follows its orders; it says nothing of what becomes of them. */
async function joined(store: Store, clock: ManualClock, id: typeof m1): Promise<Registry> {
  const self = aMachine(id, {}, { bootId: `boot-${id}` as BootId });
  const registry = openRegistry({ store, keyPrefix: '/fleet/', ttlMs, self, clock });
  const nothing = { clusterId: null, epoch: null, revision: null };
  await registry.cluster.settle(nothing, 'a-cluster', signal);
  await registry.registration.join(signal);
  void registry.registration.keep(signal);
  void registry.ledger.run(signal);
  return registry;
}

async function submit(registry: Registry, name: UnitName): Promise<void> {
  const text = '[Service]\nExecStart=/bin/true\n';
  await registry.catalog.submit(
    {
      ...{ name, text, oneshot: false, desired: 'launched' },
      unitHash: '0'.repeat(40) as UnitHash,
      contentHash: createHash('sha256').update(text).digest('hex') as ContentHash,
      requirements: aUnit(name, { onPartition: { stopTimeoutMs: 1_000 } }).requirements,
    },
    signal,
  );
}

test('a unit starts elsewhere right when its hold ends, counted from the end of the lease', async () => {
  const clock = new ManualClock();
  const memory = new MemoryStore(clock);
  const road = new FaultyStore(memory);
  const leader = await joined(memory, clock, m2);
  void runEngine(
    { election: leader.election, clock, log: new CapturedLog(), brake: unbraked.rules },
    signal,
  );
  const other = await joined(road, clock, m1);
  await clock.pass(1_000);
  for (const unit of units) await submit(leader, unit);
  await clock.pass(1_000);
  const [unit] = other.ledger.orderBook()?.orders.keys() ?? [];
  expect(unit, 'none of six units is on that machine').toBeDefined();
  if (unit === undefined) return;

  road.cut();
  const isPresent = async (): Promise<boolean> => {
    const page = await leader.catalog.readMachines({ start: null, limitCount: 9 }, signal);
    return page.items.some(({ id }) => id === m1);
  };
  while (await isPresent()) await clock.pass(10);
  const goneAtMs = clock.nowMs();
  await clock.pass(100); // for the leader to see it and to write
  const held = await leader.catalog.readHeldUnits({ machine: null, unit }, signal);
  expect(held).toMatchObject([{ unit, machine: m1 }]);
  expect((held[0]?.heldUntilMs ?? 0) - clock.wallMs()).toBeGreaterThan(holdMs - 150);
  expect(await leader.catalog.readHeldUnits({ machine: m2, unit: null }, signal)).toEqual([]);
  const isThere = (): boolean => leader.ledger.orderBook()?.orders.has(unit) === true;
  while (!isThere()) await clock.pass(10);
  expect(clock.nowMs() - goneAtMs).toBeGreaterThan(holdMs - 50);
  expect(clock.nowMs() - goneAtMs).toBeLessThan(holdMs + 100);
  expect(await leader.catalog.readHeldUnits({ machine: null, unit: null }, signal)).toEqual([]);
  leader.close();
});
