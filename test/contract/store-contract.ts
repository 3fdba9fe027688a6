import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FleetError } from '../../src/lib/error.ts';
import type { Revision } from '../../src/model/ids.ts';
import {
  type KeyRange,
  type Op,
  oneKey,
  type RangeAnswer,
  type Store,
  type WatchEvent,
  withPrefix,
} from '../../src/registry/store.ts';

/** A store under test, and what only its own kind can do. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Lets `ms` pass for leases. */
  pass(ms: number): Promise<void>;
  compact(at: Revision): Promise<void>;
  stop(): Promise<void>;
}

const never = new AbortController().signal;

/** What every store must do; run over the twin in memory and over a real etcd. */
export function storeContract(name: string, open: () => Promise<StoreUnderTest>): void {
  describe(`the store contract on ${name}`, () => {
    let subject: StoreUnderTest;
    let prefixNumber = 0;
    beforeAll(async () => {
      subject = await open();
    });
    afterAll(() => subject.stop());
    const freshPrefix = (): string => `/t${prefixNumber++}/`;

    rangeTests(() => subject, freshPrefix);
    txnTests(() => subject, freshPrefix);
    watchTests(() => subject, freshPrefix);
    leaseTests(() => subject, freshPrefix);
    test('it tells its members and where they answer', async () => {
      const members = await subject.store.members(never);
      const urls = expect.arrayContaining([expect.stringMatching(/^http:\/\/[\d.]+:\d+$/)]);
      expect(members).toEqual([{ name: expect.any(String), clientUrls: urls, isLearner: false }]);
    });
  });
}

type Subject = () => StoreUnderTest;
type Prefix = () => string;

function rangeTests(subject: Subject, freshPrefix: Prefix): void {
  test('a range gives its keys sorted, with values, revisions and nothing beside it', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    await puts(store, [`${prefix}b`, `${prefix}a`, `${prefix.slice(0, -1)}0beside`]);
    const answer = await rangeOf(store, withPrefix(prefix));
    expect(answer.items.map((item) => [item.key, item.value])).toEqual([
      [`${prefix}a`, 'v'],
      [`${prefix}b`, 'v'],
    ]);
    expect(answer.items[0]?.createRevision).toBe(answer.items[0]?.modRevision);
    expect(answer.items[0]?.leaseId).toBeNull();
    expect([answer.hasMore, answer.totalCount]).toEqual([false, 2]);
  });

  test('pages pinned to one revision show it while writes go on', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    const names = ['a', 'b', 'c', 'd'].map((letter) => prefix + letter);
    await puts(store, names);
    const first = await rangeOf(store, withPrefix(prefix), { limitCount: 2 });
    expect(first.hasMore).toBe(true);
    expect(first.totalCount).toBe(4);
    await store.txn(
      { onlyIf: [], writes: [put(`${prefix}bb`), put(`${prefix}c`, 'new'), del(`${prefix}d`)] },
      never,
    );
    const second = await rangeOf(
      store,
      { from: `${prefix}b\0`, to: withPrefix(prefix).to },
      { revision: first.revision },
    );
    expect(second.revision).toBe(first.revision);
    expect(second.items.map((item) => [item.key, item.value])).toEqual([
      [`${prefix}c`, 'v'],
      [`${prefix}d`, 'v'],
    ]);
  });

  test('several readings in one request show one revision', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    await puts(store, [`${prefix}a`, `${prefix}b`]);
    const request = { limitCount: 10, revision: null, keysOnly: true };
    const answer = await store.ranges(
      [
        { ...request, range: oneKey(`${prefix}a`) },
        { ...request, range: oneKey(`${prefix}none`) },
        { ...request, range: withPrefix(prefix) },
      ],
      never,
    );
    if (!answer.ok) throw new Error(answer.error);
    expect(answer.value.map((one) => one.items.length)).toEqual([1, 0, 2]);
    expect(answer.value[0]?.items[0]?.value).toBe('');
    expect(new Set(answer.value.map((one) => one.revision)).size).toBe(1);
  });

  test('a compacted and a future revision are refusals, not empty readings', async () => {
    const { store, compact } = subject();
    const prefix = freshPrefix();
    await puts(store, [`${prefix}a`]);
    const old = (await rangeOf(store, withPrefix(prefix))).revision;
    await puts(store, [`${prefix}a`]);
    const now = (await rangeOf(store, withPrefix(prefix))).revision;
    await compact(now);
    const request = { range: withPrefix(prefix), limitCount: 1, keysOnly: false };
    expect(await store.range({ ...request, revision: old }, never)).toEqual({
      ok: false,
      error: 'compacted',
    });
    const future = (now + 1000n) as Revision;
    expect(await store.range({ ...request, revision: future }, never)).toEqual({
      ok: false,
      error: 'future',
    });
  });
}

function txnTests(subject: Subject, freshPrefix: Prefix): void {
  test('each kind of compare holds exactly when it should', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    const key = `${prefix}a`;
    const holds = async (compare: Parameters<Store['txn']>[0]['onlyIf'][number]) =>
      (await store.txn({ onlyIf: [compare], writes: [] }, never)).succeeded;
    expect(await holds({ kind: 'absent', key })).toBe(true);
    expect(await holds({ kind: 'empty', range: withPrefix(prefix) })).toBe(true);
    const created = (await store.txn({ onlyIf: [], writes: [put(key)] }, never)).revision;
    const modified = (await store.txn({ onlyIf: [], writes: [put(key, 'w')] }, never)).revision;
    expect(modified > created).toBe(true);
    expect(await holds({ kind: 'absent', key })).toBe(false);
    expect(await holds({ kind: 'empty', range: withPrefix(prefix) })).toBe(false);
    expect(await holds({ kind: 'created', key, at: created })).toBe(true);
    expect(await holds({ kind: 'created', key, at: modified })).toBe(false);
    expect(await holds({ kind: 'modified', key, at: modified })).toBe(true);
    expect(await holds({ kind: 'modified', key, at: created })).toBe(false);
    await store.txn({ onlyIf: [], writes: [del(key)] }, never);
    expect(await holds({ kind: 'created', key, at: created })).toBe(false);
    expect(await holds({ kind: 'absent', key })).toBe(true);
  });

  test('a transaction whose compare fails writes nothing at all', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    const answer = await store.txn(
      {
        onlyIf: [{ kind: 'created', key: `${prefix}none`, at: 1n as Revision }],
        writes: [put(`${prefix}a`), put(`${prefix}b`)],
      },
      never,
    );
    expect(answer.succeeded).toBe(false);
    expect((await rangeOf(store, withPrefix(prefix))).totalCount).toBe(0);
  });

  test('a full batch of guarded changes fits into one transaction, 129 are refused', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    const keys = Array.from({ length: 129 }, (_, index) => `${prefix}${index}`);
    const guarded = (count: number) => ({
      onlyIf: keys.slice(0, count).map((key) => ({ kind: 'absent' as const, key })),
      writes: keys.slice(0, count).map((key) => put(key)),
    });
    await expect(store.txn(guarded(129), never)).rejects.toMatchObject({
      trouble: { code: 'registry/refused' },
    });
    expect((await store.txn(guarded(122), never)).succeeded).toBe(true);
  });

  test('a request under an aborted signal is refused and does nothing', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    const writing = store.txn({ onlyIf: [], writes: [put(`${prefix}a`)] }, AbortSignal.abort());
    await expect(writing).rejects.toBeInstanceOf(FleetError);
    expect((await rangeOf(store, withPrefix(prefix))).totalCount).toBe(0);
  });
}

function watchTests(subject: Subject, freshPrefix: Prefix): void {
  test('a watch from a revision tells the past and the present once each, in order', async () => {
    const { store } = subject();
    const prefix = freshPrefix();
    await puts(store, [`${prefix}a`]);
    const { revision } = await rangeOf(store, withPrefix(prefix));
    await puts(store, [`${prefix}b`]);
    const watched = watchAll(store, withPrefix(prefix), (revision + 1n) as Revision);
    await watched.saw((events) => events.length >= 1);
    await store.txn({ onlyIf: [], writes: [put(`${prefix}c`), del(`${prefix}a`)] }, never);
    await puts(store, [`${prefix.slice(0, -1)}0beside`]);
    await watched.saw((events) => events.length >= 3);
    watched.stop();
    expect(watched.events.map((event) => [event.kind, keyOf(event)])).toEqual([
      ['put', `${prefix}b`],
      ['put', `${prefix}c`],
      ['delete', `${prefix}a`],
    ]);
    expect(watched.batches.at(-1)).toBe(2); // one transaction came as one batch
  });

  test('a watch gives a sign of life when it is asked for one', async () => {
    const { store } = subject();
    const { revision } = await rangeOf(store, withPrefix(freshPrefix()));
    const watched = watchAll(store, withPrefix(freshPrefix()), (revision + 1n) as Revision);
    await watched.alive(1);
    watched.requestProgress();
    await watched.alive(2);
    watched.stop();
  });

  test('a watch from a compacted revision ends as compacted', async () => {
    const { store, compact } = subject();
    const prefix = freshPrefix();
    await puts(store, [`${prefix}a`]);
    const { revision } = await rangeOf(store, withPrefix(prefix));
    await puts(store, [`${prefix}b`]);
    await puts(store, [`${prefix}c`]);
    await compact((await rangeOf(store, withPrefix(prefix))).revision);
    const watched = watchAll(store, withPrefix(prefix), (revision + 1n) as Revision);
    expect(await watched.end).toBe('compacted');
  });
}

function leaseTests(subject: Subject, freshPrefix: Prefix): void {
  test('an expired lease takes its keys along, all in one revision', async () => {
    const { store, pass } = subject();
    const prefix = freshPrefix();
    const { leaseId, ttlMs } = await store.grantLease(2000, never);
    const writes = ['a', 'b'].map((letter) => ({ ...put(prefix + letter), leaseId }));
    const { revision } = await store.txn({ onlyIf: [], writes }, never);
    const watched = watchAll(store, withPrefix(prefix), (revision + 1n) as Revision);
    await pass(ttlMs + 100);
    await watched.saw((events) => events.length >= 2);
    watched.stop();
    expect(watched.events.map((event) => event.kind)).toEqual(['delete', 'delete']);
    expect(watched.batches).toEqual([2]);
    expect(await store.renewLease(leaseId, 1000, never)).toBeNull();
    expect(await store.inspectLease(leaseId, never)).toBeNull();
    await expect(store.txn({ onlyIf: [], writes }, never)).rejects.toMatchObject({
      trouble: { code: 'registry/lease-lost' },
    });
  });

  test('a lease that is renewed by its id keeps its keys beyond its TTL', async () => {
    const { store, pass } = subject();
    const prefix = freshPrefix();
    const { leaseId, ttlMs } = await store.grantLease(3000, never);
    await store.txn({ onlyIf: [], writes: [{ ...put(`${prefix}a`), leaseId }] }, never);
    for (let round = 0; round < 3; round += 1) {
      await pass(ttlMs / 2);
      const standing = await store.renewLease(leaseId, 1000, never);
      expect(standing?.remainingMs).toBe(ttlMs);
    }
    const standing = await store.inspectLease(leaseId, never);
    expect(standing?.grantedMs).toBe(ttlMs);
    expect(standing?.raftTerm).toMatch(/^\d+$/);
    const { items } = await rangeOf(store, withPrefix(prefix));
    expect(items.map((item) => item.leaseId)).toEqual([leaseId]);
    await store.revokeLease(leaseId, never);
    await store.revokeLease(leaseId, never); // gone already: not an error
    expect((await rangeOf(store, withPrefix(prefix))).totalCount).toBe(0);
  });
}

function put(key: string, value = 'v'): Op & { readonly kind: 'put' } {
  return { kind: 'put', key, value, leaseId: null };
}

function del(key: string): Op {
  return { kind: 'delete', key };
}

async function puts(store: Store, keys: readonly string[]): Promise<void> {
  await store.txn({ onlyIf: [], writes: keys.map((key) => put(key)) }, never);
}

async function rangeOf(
  store: Store,
  range: KeyRange,
  options: { readonly limitCount?: number; readonly revision?: Revision } = {},
): Promise<RangeAnswer> {
  const { limitCount = 1000, revision = null } = options;
  const answer = await store.range({ range, limitCount, revision, keysOnly: false }, never);
  if (!answer.ok) throw new Error(answer.error);
  return answer.value;
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.item.key : event.key;
}

/** Everything a watch says, and ways to wait for it. */
function watchAll(store: Store, range: KeyRange, from: Revision) {
  const events: WatchEvent[] = [];
  const batches: number[] = [];
  let aliveCount = 0;
  let look: () => void = () => undefined;
  let tell: (why: string) => void = () => undefined;
  const end = new Promise<string>((resolve) => {
    tell = resolve;
  });
  const watch = store.watch(range, from, {
    events: (batch) => {
      events.push(...batch);
      batches.push(batch.length);
      look();
    },
    alive: () => {
      aliveCount += 1;
      look();
    },
    ended: (why) => tell(why),
  });
  const until = (isDone: () => boolean): Promise<void> =>
    new Promise((resolve) => {
      look = () => {
        if (isDone()) resolve();
      };
      look();
    });
  return {
    events,
    batches,
    end,
    saw: (isDone: (seen: readonly WatchEvent[]) => boolean) => until(() => isDone(events)),
    alive: (count: number) => until(() => aliveCount >= count),
    requestProgress: () => watch.requestProgress(),
    stop: () => watch.stop(),
  };
}
