import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { becomeMember } from '../../../src/daemon/membership.ts';
import {
  decodeRememberedCluster,
  decodeRememberedRevision,
  StoreMemory,
  storeRecordsIn,
} from '../../../src/daemon/store-memory.ts';
import type { MachineId } from '../../../src/model/ids.ts';
import { openRegistry, type Registry } from '../../../src/registry/connect-registry.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { aMachine } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const keyPrefix = '/fleet/';

class Bench {
  readonly clock = new ManualClock();
  readonly memoryStore = new MemoryStore(this.clock);
  readonly store = new FaultyStore(this.memoryStore);
  readonly log = new CapturedLog();
  readonly folder = mkdtempSync(join(tmpdir(), 'membership-'));
  readonly records = storeRecordsIn({ run: this.folder, state: this.folder });
  readonly memory = new StoreMemory(this.records, this.clock, this.log);
  readonly registry: Registry = openRegistry({
    store: this.store,
    keyPrefix,
    ttlMs: 3_000,
    self: aMachine('aa'.repeat(16) as MachineId),
    clock: this.clock,
  });
  readonly end = new AbortController();

  join(): ReturnType<typeof becomeMember> {
    const { registry, memory, clock, log } = this;
    return becomeMember({ registry, memory, clock, log }, this.end.signal);
  }
}

let bench: Bench;
beforeEach(() => {
  bench = new Bench();
});
afterEach(() => {
  bench.end.abort();
  rmSync(bench.folder, { recursive: true });
});

describe('a machine that becomes a member', () => {
  it('makes a cluster in an empty store, and remembers which', async () => {
    expect(await bench.join()).toEqual({ kind: 'registered' });
    expect(bench.records.cluster.read()?.clusterId).toMatch(/^[0-9a-f-]{36}$/);
    expect(bench.log.lines).toEqual([]);
  });

  it('never takes an emptied store for a new one, and says so once', async () => {
    bench.records.cluster.write({ clusterId: 'ours', epoch: 1 });
    const joining = bench.join();
    await bench.clock.pass(60_000);
    expect(bench.log.lines).toEqual([
      {
        level: 'warn',
        message: 'froze: the store is not ours',
        fields: { why: 'store-not-ours', reason: 'no cluster is stored, ours is ours' },
      },
    ]);
    expect(bench.memoryStore.revision).toBe(1n);
    bench.end.abort();
    await bench.clock.pass(1);
    expect(await joining).toEqual({ kind: 'stopped' });
  });

  it('does not touch a store that holds other things under its prefix', async () => {
    const put = { kind: 'put', key: `${keyPrefix}stray`, value: '{}', leaseId: null } as const;
    await bench.memoryStore.txn({ onlyIf: [], writes: [put] }, bench.end.signal);
    const { revision } = bench.memoryStore;
    void bench.join();
    await bench.clock.pass(10_000);
    expect(bench.log.messages()).toEqual(['froze: the store is not ours']);
    expect(bench.memoryStore.revision).toBe(revision);
  });

  it('waits for a store that is away, says so once, and joins when it comes', async () => {
    bench.store.cut();
    const joining = bench.join();
    await bench.clock.pass(30_000);
    expect(bench.log.messages()).toEqual(['waiting for the store']);
    bench.store.heal();
    await bench.clock.pass(3_000);
    expect(await joining).toEqual({ kind: 'registered' });
    expect(bench.log.messages()).toEqual([
      'waiting for the store',
      'found the store of this cluster',
    ]);
  });
});

it.each([null, 'x', {}, { clusterId: 1, epoch: 1 }, { clusterId: 'a' }])(
  'takes a record holding %j for none',
  (value) => {
    expect(decodeRememberedCluster(value)).toBeNull();
  },
);

it.each([null, 'x', { clusterId: 'a', epoch: 1 }, { clusterId: 'a', epoch: 1, revision: '-1' }])(
  'takes a record of a revision holding %j for none',
  (value) => {
    expect(decodeRememberedRevision(value)).toBeNull();
  },
);
