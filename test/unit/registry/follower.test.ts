import { expect, test } from 'vitest';
import type { Revision } from '../../../src/model/ids.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { Follower } from '../../../src/registry/follower.ts';
import { limits } from '../../../src/registry/limits.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { KeyRange, Watch, WatchHandler } from '../../../src/registry/store.ts';
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
    { store, clock, ranges, watched: range, ttlMs, newest: () => null },
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

/** A watch that says nothing but what it is told to, and a follower of it. */
async function followASilentWatch(): Promise<{
  readonly clock: ManualClock;
  readonly seen: { askedCount: number; readCount: number };
  readonly tell: { newest: Revision | null; isAnswering: boolean };
  end(): Promise<void>;
}> {
  const clock = new ManualClock();
  const seen = { askedCount: 0, readCount: 0 };
  const tell: { newest: Revision | null; isAnswering: boolean } = {
    ...{ newest: 1n as Revision, isAnswering: true },
  };
  class SilentStore extends FaultyStore {
    override watch(_range: KeyRange, _from: Revision, handler: WatchHandler): Watch {
      queueMicrotask(() => handler.alive());
      return {
        requestProgress: () => {
          seen.askedCount += 1;
          if (tell.isAnswering) handler.alive();
        },
        stop: () => undefined,
      };
    }
  }
  const store = new SilentStore(new MemoryStore(clock));
  const range = { from: '/a/', to: '/a0' };
  const ranges = [{ range, keysOnly: false }];
  const follower = new Follower(
    { store, clock, ranges, watched: range, ttlMs, newest: () => tell.newest },
    {
      reset: () => {
        seen.readCount += 1;
      },
      apply: () => undefined,
      troubled: () => undefined,
    },
  );
  const ending = new AbortController();
  const running = follower.run(ending.signal);
  await clock.pass(1);
  return {
    ...{ clock, seen, tell },
    end: async () => {
      ending.abort();
      await clock.pass(ttlMs);
      await running;
    },
  };
}

test('a silent watch of a store that stands still is not asked for anything', async () => {
  const { clock, seen, end } = await followASilentWatch();
  await clock.pass(10 * ttlMs);
  expect(seen).toEqual({ askedCount: 0, readCount: 1 });
  await end();
});

test('a store that went on somewhere else is asked about once, and again when it goes on', async () => {
  const { clock, seen, tell, end } = await followASilentWatch();
  tell.newest = 5n as Revision;
  await clock.pass(10 * ttlMs);
  expect(seen).toEqual({ askedCount: 1, readCount: 1 });
  tell.newest = 6n as Revision;
  await clock.pass(ttlMs);
  expect(seen).toEqual({ askedCount: 2, readCount: 1 });
  await end();
});

test('where nobody knows how far the store is, a silent watch is asked each TTL', async () => {
  const { clock, seen, tell, end } = await followASilentWatch();
  tell.newest = null;
  await clock.pass(5 * ttlMs + 1);
  expect(seen).toEqual({ askedCount: 5, readCount: 1 });
  await end();
});

test('a watch that does not answer is given up, and everything is read again', async () => {
  const { clock, seen, tell, end } = await followASilentWatch();
  await clock.pass(3 * ttlMs);
  tell.newest = 5n as Revision;
  tell.isAnswering = false;
  await clock.pass(ttlMs + limits.requestTimeoutMs - 10);
  expect(seen).toEqual({ askedCount: 1, readCount: 1 });
  await clock.pass(20);
  expect(seen).toEqual({ askedCount: 1, readCount: 2 });
  await end();
});

test('an answer that waits to be read while we are held up is no missing answer', async () => {
  const { clock, seen, tell, end } = await followASilentWatch();
  tell.newest = 5n as Revision;
  tell.isAnswering = false;
  await clock.pass(ttlMs);
  expect(seen).toEqual({ askedCount: 1, readCount: 1 });
  clock.stall(2 * limits.requestTimeoutMs);
  await clock.pass(limits.requestTimeoutMs - 10);
  expect(seen).toEqual({ askedCount: 1, readCount: 1 });
  clock.stall(2 * limits.requestTimeoutMs); // held up again: that is no reason to wait for ever
  await clock.pass(1);
  expect(seen).toEqual({ askedCount: 1, readCount: 2 });
  await end();
});
