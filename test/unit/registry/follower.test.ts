import { expect, test } from 'vitest';
import type { Revision } from '../../../src/model/ids.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { Follower } from '../../../src/registry/follower.ts';
import { limits } from '../../../src/registry/limits.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const ttlMs = 30_000;
const never = new AbortController().signal;

test('a watch that ended is not waited for: everything is read again at once', async () => {
  const clock = new ManualClock();
  const memory = new MemoryStore(clock);
  const store = new FaultyStore(memory);
  const held = new Map<string, string>();
  const troubles: (string | null)[] = [];
  const range = { from: '/a/', to: '/a0' };
  const ranges = [{ range, keysOnly: false }];
  const follower = new Follower(
    { store, clock, ranges, watched: range, ttlMs },
    {
      reset: (items) => {
        held.clear();
        for (const { key, value } of items) held.set(key, value);
      },
      apply: (events) => {
        for (const event of events) {
          if (event.kind === 'put') held.set(event.item.key, event.item.value);
        }
      },
      troubled: (problem) => troubles.push(problem),
    },
  );
  const end = new AbortController();
  const running = follower.run(end.signal);
  const put = (value: string): Promise<unknown> =>
    memory.txn({ onlyIf: [], writes: [{ kind: 'put', key: '/a/x', value, leaseId: null }] }, never);
  await put('first');
  await clock.pass(100);
  expect(held.get('/a/x')).toBe('first');
  store.cut(); // breaks the watch
  await put('missed');
  await clock.pass(100);
  store.heal();
  await clock.pass(2 * limits.retryMaxMs);
  expect(held.get('/a/x')).toBe('missed');
  expect(troubles.at(-1) ?? null).toBeNull();
  end.abort();
  await clock.pass(ttlMs);
  await running;
});

test('a silent watch is asked for a sign of life only when there may be something to tell', async () => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock);
  const range = { from: '/a/', to: '/a0' };
  const ranges = [{ range, keysOnly: false }];
  let newest: bigint | null = 0n;
  const follower = new Follower(
    { store, clock, ranges, watched: range, ttlMs, newest: () => newest as Revision | null },
    { reset: () => undefined, apply: () => undefined, troubled: () => undefined },
  );
  const end = new AbortController();
  const running = follower.run(end.signal);
  const askedCount = (): number => store.counts().get('progress')?.sentCount ?? 0;
  const put = async (key: string): Promise<void> => {
    const writes = [{ kind: 'put', key, value: '', leaseId: null }] as const;
    newest = (await store.txn({ onlyIf: [], writes }, never)).revision;
  };
  await clock.pass(10 * ttlMs);
  expect(askedCount()).toBe(0);
  await put('/a/x'); // told by the watch
  await clock.pass(10 * ttlMs);
  expect(askedCount()).toBe(0);
  await put('/b/x'); // outside of the range, or lost: nobody can know
  await clock.pass(2 * ttlMs);
  expect(askedCount()).toBe(1);
  await clock.pass(10 * ttlMs); // the answer covers it
  expect(askedCount()).toBe(1);
  newest = null; // nothing is known any more
  await clock.pass(5 * ttlMs);
  expect(askedCount()).toBeGreaterThan(3);
  expect(store.counts().get('range')?.sentCount).toBe(1);
  end.abort();
  await clock.pass(ttlMs);
  await running;
});
