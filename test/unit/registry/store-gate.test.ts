import { beforeEach, describe, expect, it } from 'vitest';
import { FleetError } from '../../../src/lib/error.ts';
import type { Revision } from '../../../src/model/ids.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { GatedStore } from '../../../src/registry/gated-store.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { type Op, oneKey, type WatchEvent } from '../../../src/registry/store.ts';
import { StoreFill } from '../../../src/registry/store-fill.ts';
import { StoreGate } from '../../../src/registry/store-gate.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;
const record = { clusterId: 'ours', formatNeeded: 1, epoch: 1 };

function at(revision: bigint): Revision {
  return revision as Revision;
}

function put(key: string, value = 'v'): Op {
  return { kind: 'put', key, value, leaseId: null };
}

let clock: ManualClock;
let gate: StoreGate;
beforeEach(() => {
  clock = new ManualClock();
  gate = new StoreGate(clock);
});

function open(revision: bigint, isThaw = false): void {
  const known = { clusterId: 'ours', epoch: 1, storeId: 'memory', revision: at(revision) };
  gate.open({ known, record, guard: [], isThaw });
}

describe('the gate', () => {
  it('lets nothing through before somebody looked', () => {
    expect(() => gate.check()).toThrow('not looked at yet');
  });

  it('tells why nobody could look so far', () => {
    const hint = 'Check that etcd runs.';
    const trouble = { code: 'registry/unknown-outcome', retry: 'never', hint } as const;
    gate.unreached(new FleetError('etcd at http://10.0.0.1:2379 does not answer', trouble));
    expect(() => gate.check()).toThrow('etcd at http://10.0.0.1:2379 does not answer');
    try {
      gate.check();
    } catch (thrown) {
      const told = { code: 'registry/unavailable', retry: 'soon', hint };
      expect(thrown).toMatchObject({ trouble: told });
    }
  });

  it('tells whoever waits for the first look, also that it failed, and keeps no one after an abort', async () => {
    const trouble = { code: 'registry/unavailable', retry: 'soon', hint: '' } as const;
    const waited: string[] = [];
    const leaving = new AbortController();
    const waiting = [
      gate.looked(never).then(() => waited.push('patient')),
      gate.looked(leaving.signal).then(() => waited.push('leaving')),
    ];
    leaving.abort();
    await waiting[1];
    expect(waited).toEqual(['leaving']);
    gate.unreached(new FleetError('etcd does not answer', trouble));
    await Promise.all(waiting);
    await gate.looked(never);
  });

  it('closes at an answer of another etcd', () => {
    open(10n);
    gate.heard({ storeId: 'another', revision: at(99n) }, at(10n));
    expect(gate.standing).toMatchObject({ kind: 'frozen', why: 'store-not-ours' });
    expect(() => gate.check()).toThrow('etcd another answers, ours is memory');
  });

  it('closes at an answer from before what was known when it was asked for', () => {
    open(10n);
    gate.heard({ storeId: 'memory', revision: at(9n) }, at(10n));
    expect(gate.standing).toMatchObject({ kind: 'frozen', why: 'store-went-back' });
  });

  it('takes answers of requests side by side in any order', () => {
    open(10n);
    gate.heard({ storeId: 'memory', revision: at(12n) }, at(10n));
    gate.heard({ storeId: 'memory', revision: at(11n) }, at(10n));
    expect([gate.isOpen, gate.known?.revision]).toEqual([true, 12n]);
  });

  it('takes a member that is behind the others for what it is', () => {
    open(10n);
    gate.heard({ storeId: 'memory', revision: at(3n) }, null);
    expect([gate.isOpen, gate.known?.revision]).toEqual([true, 10n]);
  });

  it('gives others time after a thaw, and none after an ordinary start', async () => {
    open(10n);
    expect(gate.thawsInMs()).toBe(0);
    gate.freeze('store-went-back', 'test');
    open(11n, true);
    expect(gate.thawsInMs()).toBe(10_000);
    await clock.pass(10_000);
    expect(gate.thawsInMs()).toBe(0);
  });
});

describe('a store behind the gate', () => {
  let ours: MemoryStore;
  let theirs: MemoryStore;
  let line: FaultyStore;
  let store: GatedStore;
  beforeEach(async () => {
    ours = new MemoryStore(clock);
    theirs = new MemoryStore(clock, 'theirs');
    line = new FaultyStore(ours);
    store = new GatedStore(line, { gate, fill: new StoreFill(), probeKey: '/f/cluster' });
    await ours.txn({ onlyIf: [], writes: [put('/f/a')] }, never);
    open(2n);
  });

  it('writes nothing into another etcd at the same address', async () => {
    line.swap(theirs);
    const writing = store.txn({ onlyIf: [], writes: [put('/f/b')] }, never);
    await expect(writing).rejects.toMatchObject({ trouble: { code: 'registry/not-ours' } });
    expect(theirs.revision).toBe(1n);
  });

  it('does not believe another etcd that a lease is gone', async () => {
    const { leaseId } = await store.grantLease(3_000, never);
    line.swap(theirs);
    const renewing = store.renewLease(leaseId, 500, never);
    await expect(renewing).rejects.toMatchObject({ trouble: { code: 'registry/not-ours' } });
  });

  it('does not believe an emptied etcd that a lease is gone', async () => {
    const { leaseId } = await store.grantLease(3_000, never);
    line.swap(new MemoryStore(clock));
    const renewing = store.renewLease(leaseId, 500, never);
    await expect(renewing).rejects.toMatchObject({ trouble: { code: 'registry/not-ours' } });
  });

  it('believes our own etcd that a lease is gone', async () => {
    const { leaseId } = await store.grantLease(3_000, never);
    await ours.revokeLease(leaseId, never);
    expect(await store.renewLease(leaseId, 500, never)).toBeNull();
  });

  it('keeps a lease alive where it can while it is closed', async () => {
    const { leaseId } = await store.grantLease(3_000, never);
    gate.freeze('store-went-back', 'test');
    expect(await store.renewLease(leaseId, 500, never)).toMatchObject({ grantedMs: 3_000 });
  });

  it('ends watches when it closes, and tells nothing that another etcd says', async () => {
    const seen: WatchEvent[] = [];
    const ends: string[] = [];
    const handler = {
      events: (events: readonly WatchEvent[]) => seen.push(...events),
      alive: () => undefined,
      ended: (why: string) => ends.push(why),
    };
    line.swap(theirs);
    store.watch(oneKey('/f/a'), at(2n), handler);
    await theirs.txn({ onlyIf: [], writes: [put('/f/a', 'theirs')] }, never);
    await clock.pass(1);
    expect([seen, ends]).toEqual([[], ['broken']]);
    expect(gate.isOpen).toBe(false);
  });
});

describe('how full the store is', () => {
  it('is told at 60 % and when a write meets a full one, once each', () => {
    const fill = new StoreFill(1_000);
    const states: string[] = [];
    fill.onChange(() => states.push(fill.state));
    for (const sizeBytes of [100, 599, 600, 700]) fill.saw({ sizeBytes, isFull: false });
    fill.met(true);
    fill.met(true);
    fill.met(false);
    fill.saw({ sizeBytes: 100, isFull: false });
    expect(states).toEqual(['filling', 'full', 'filling', 'fine']);
  });
});
