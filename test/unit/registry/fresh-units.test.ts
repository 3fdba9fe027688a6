import { describe, expect, it } from 'vitest';
import { FreshUnits } from '../../../src/registry/fresh-units.ts';
import { limits } from '../../../src/registry/limits.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { Compare, Op, TxnRequest } from '../../../src/registry/store.ts';
import { oneKey } from '../../../src/registry/store.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;

/** A store that keeps every transaction until it is let go. */
class HeldStore extends MemoryStore {
  readonly txns: TxnRequest[] = [];
  #release: (() => void)[] = [];

  override async txn(request: TxnRequest, signal: AbortSignal): ReturnType<MemoryStore['txn']> {
    this.txns.push(request);
    await new Promise<void>((resolve) => this.#release.push(resolve));
    return super.txn(request, signal);
  }

  /** Lets go whatever comes, until `work` is done. */
  async lettingGo<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined); // told to whoever waits for it
    while (!isDone) {
      this.#release.shift()?.();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return await done;
  }
}

function put(key: string, value: string): Op {
  return { kind: 'put', key, value, leaseId: null };
}

function fresh(name: string, value = name): Parameters<FreshUnits['add']>[0] {
  const writes = [put(`units/${name}`, value), put('text/same', 'text')];
  return { absent: [`units/${name}`, `placement/${name}`], writes };
}

function aStore(storeGuard: () => readonly Compare[] = () => []): {
  readonly store: HeldStore;
  readonly units: FreshUnits;
  readonly stored: (key: string) => Promise<string | undefined>;
} {
  const store = new HeldStore(new ManualClock());
  const units = new FreshUnits({ store, storeGuard });
  const stored = async (key: string): Promise<string | undefined> => {
    const request = { range: oneKey(key), limitCount: 1, revision: null, keysOnly: false };
    const answer = await store.range(request, never);
    return answer.ok ? answer.value.items[0]?.value : undefined;
  };
  return { store, units, stored };
}

describe('units that are new', () => {
  it('go together while one transaction is on its way, and alone when none is', async () => {
    const { store, units } = aStore();
    const all = ['a', 'b', 'c', 'd'].map((name) => units.add(fresh(name)));
    expect(await store.lettingGo(Promise.all(all))).toEqual([true, true, true, true]);
    expect(store.txns.map(({ writes }) => writes.map(({ key }) => key))).toEqual([
      ['units/a', 'text/same'],
      ['units/b', 'text/same', 'units/c', 'units/d'],
    ]);
  });

  it('are never stored over one that is there, nor where something is placed', async () => {
    const { store, units, stored } = aStore();
    const before = store.txn({ onlyIf: [], writes: [put('placement/b', 'left')] }, never);
    await store.lettingGo(before);
    expect(await store.lettingGo(units.add(fresh('a', 'first')))).toBe(true);
    expect(await store.lettingGo(units.add(fresh('a', 'second')))).toBe(false);
    expect(await store.lettingGo(units.add(fresh('b')))).toBe(false);
    expect([await stored('units/a'), await stored('units/b')]).toEqual(['first', undefined]);
  });

  it('of one name do not go together: the second finds the first', async () => {
    const { store, units, stored } = aStore();
    const adding = ['x', 'a', 'a'].map((name, at) => units.add(fresh(name, `${at}`)));
    expect(await store.lettingGo(Promise.all(adding))).toEqual([true, true, false]);
    expect(await stored('units/a')).toBe('1');
  });

  it('fit what etcd takes in one transaction, compares and writes alike', async () => {
    const { store, units } = aStore(() => [{ kind: 'absent', key: 'other' }]);
    const adding = Array.from({ length: 300 }, (_, index) => units.add(fresh(`u${index}`)));
    await store.lettingGo(Promise.all(adding));
    const sizes = store.txns.map(({ onlyIf, writes }) => Math.max(onlyIf.length, writes.length));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(limits.batchOpsMax + 1);
    expect(store.txns.length).toBeLessThan(10);
  });

  it('that may not be written now are refused to each who asked, and the next ones go on', async () => {
    let isJoined = false;
    const { store, units } = aStore(() => {
      if (isJoined) return [];
      throw new Error('not joined yet');
    });
    const early = ['a', 'b'].map((name) => units.add(fresh(name)).catch(() => 'refused'));
    expect(await store.lettingGo(Promise.all(early))).toEqual(['refused', 'refused']);
    isJoined = true;
    expect(await store.lettingGo(units.add(fresh('a')))).toBe(true);
  });
});
