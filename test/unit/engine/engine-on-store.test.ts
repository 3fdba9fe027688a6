import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { unbraked } from '../../../src/engine/brake.ts';
import { runEngine } from '../../../src/engine/engine.ts';
import type { BootId } from '../../../src/model/ids.ts';
import { openRegistry } from '../../../src/registry/connect-registry.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { ContentHash, UnitHash } from '../../../src/unitfile/unit-hash.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { aMachine, aUnit, machineId, named } from '../../builders/cluster.ts';
import { ManualClock, settled } from '../../builders/manual-clock.ts';

const [m1, web] = [machineId(1), named('web')];

function textHash(text: string): ContentHash {
  return createHash('sha256').update(text).digest('hex') as ContentHash;
}

test('on a store, a leader places a submitted unit, takes it down again and forgets it', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const bootId = '00000000-0000-4000-8000-000000000001' as BootId;
  const self = aMachine(m1, {}, { bootId });
  const registry = openRegistry({ store, keyPrefix: '/fleet/', ttlMs: 10_000, self, clock });
  const abort = new AbortController();
  const { signal } = abort;
  await registry.cluster.settle(
    { clusterId: null, epoch: null, revision: null },
    'a-cluster',
    signal,
  );
  await registry.registration.join(signal);
  const log = new CapturedLog();
  const running = [
    runEngine({ election: registry.election, clock, log, brake: unbraked.rules }, signal),
    registry.registration.keep(signal),
    registry.ledger.run(signal),
  ];
  const text = '[Service]\nExecStart=/bin/true\n';
  const { requirements } = aUnit(web);
  const contentHash = textHash(text);
  const unitHash = '0'.repeat(40) as UnitHash;
  const desired = 'launched' as const;
  const unit = { name: web, text, unitHash, contentHash, requirements, oneshot: false, desired };
  await registry.catalog.submit(unit, signal);
  await clock.pass(1_000);
  const order = registry.ledger.orderBook()?.orders.get(web);
  expect(order).toMatchObject({ want: 'launch', contentHash });
  expect((await registry.catalog.readUnit(web, signal))?.placement?.machine).toBe(m1);

  await registry.catalog.destroy(web, signal);
  await clock.pass(1_000);
  expect(registry.ledger.orderBook()?.orders.get(web)?.want).toBe('gone');
  const gone = { current: 'gone' as const, load: 'not-found', active: 'inactive', sub: 'dead' };
  const identity = order?.identity ?? aUnit(web).identity;
  const report = { identity, unitHash, problem: null, ...gone };
  await registry.ledger.report(new Map([[web, report]]), signal);
  await clock.pass(1_000);
  expect(registry.ledger.orderBook()?.orders.size).toBe(0);
  expect(await registry.ledger.readText(contentHash, signal)).toBeNull();
  expect(log.messages()).toEqual([
    'became leader',
    'machine changed',
    'placed',
    'ordered',
    'forgot',
  ]);

  abort.abort();
  await clock.pass(10_000);
  await Promise.all(running);
  await settled();
});
