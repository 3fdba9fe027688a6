// What a keeper does for a main loop that is stuck, and for an agent whose systemd is.
import { describe, expect, test } from 'vitest';
import type { KeeperCode } from '../../src/registry/keeper-thread.ts';
import { keeperFile, keeperText } from './keeper-code.ts';
import {
  joined,
  leaderKey,
  listener,
  never,
  pass,
  soon,
  ttlMs,
  withKeeper,
} from './with-keeper.ts';

const bench = withKeeper();

/** Nothing else happens in this process meanwhile. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function whole(key: string) {
  const range = { from: key, to: `${key}\0` };
  const answer = await bench().store.range(
    { range, limitCount: 1, revision: null, keysOnly: false },
    never,
  );
  if (!answer.ok) throw new Error(answer.error);
  return answer.value;
}

describe.each([
  ['from a checkout', async (): Promise<KeeperCode> => keeperFile],
  ['bundled, as one string', keeperText],
])('the keeper thread %s', (_how, codeOf) => {
  test('keeps a lease while the main loop is blocked for three TTLs, and gives up leading', async () => {
    const keeper = bench().keeper({ code: await codeOf() });
    const registry = bench().registry(keeper, [bench().etcd.endpoint]);
    const leaseId = await joined(registry);
    const session = await registry.election.lead(never);
    expect(session?.isLive()).toBe(true);
    let lostCount = 0;
    registry.lease.onLost(() => {
      lostCount += 1;
    });
    await expect.poll(() => registry.lease.status()?.renewedAgoMs, soon).toBeLessThan(ttlMs / 3);
    block(3 * ttlMs);
    const { items } = await whole(registry.keys.leader);
    expect(items).toEqual([]);
    await expect.poll(() => session?.isLive(), soon).toBe(false);
    expect(await bench().isAlive(leaseId)).toBe(true);
    expect([registry.lease.id, lostCount]).toEqual([leaseId, 0]);
    expect(registry.registration.isRegistered).toBe(true);
    await expect.poll(() => keeper.counts().stoodDownCount, soon).toBe(1);
    // Answers came all the while: nothing that was renewed in time counts as a gap.
    await expect.poll(() => registry.lease.steadyMs, soon).toBeGreaterThan(3 * ttlMs);
    const next = await registry.election.lead(never);
    expect(next?.isLive()).toBe(true);
  });
});

test('the leadership of another machine is left alone by a keeper whose loop is stuck', async () => {
  const other = await bench().lease();
  const keepOther = bench().keeper();
  keepOther.keep({ leaseId: other, ttlMs }, listener());
  const put = { kind: 'put', key: leaderKey, value: '{}', leaseId: other } as const;
  await bench().store.txn({ onlyIf: [], writes: [put] }, never);
  const leaseId = await bench().lease();
  const keeper = bench().keeper();
  keeper.resume({ leaseId, ttlMs }, listener());
  await pass(ttlMs / 2);
  keepOther.lead(1n as never); // both loops are this one: its own term is not that of the key
  await pass(100);
  block(2 * ttlMs);
  expect((await whole(leaderKey)).items).toHaveLength(1);
  expect([await bench().isAlive(leaseId), await bench().isAlive(other)]).toEqual([true, true]);
});

test('a leadership whose term the keeper was not told of is known by its lease', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  bench().keeper().resume({ leaseId, ttlMs }, told);
  const put = { kind: 'put', key: leaderKey, value: '{}', leaseId } as const;
  await bench().store.txn({ onlyIf: [], writes: [put] }, never);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  block(2 * ttlMs);
  expect((await whole(leaderKey)).items).toEqual([]);
  expect(await bench().isAlive(leaseId)).toBe(true);
});

test('an agent that systemd does not answer loses the lease, and holds none until it does', async () => {
  const keeper = bench().keeper({ wedgeMs: 2 * ttlMs });
  const registry = bench().registry(keeper, [bench().etcd.endpoint]);
  const leaseId = await joined(registry);
  keeper.expectSystemd();
  const ending = new AbortController();
  bench().closers.push(() => ending.abort());
  void registry.registration.keep(ending.signal);
  await expect.poll(() => registry.lease.id, { timeout: 5 * ttlMs }).toBeNull();
  expect(keeper.counts().withheld).toEqual({ loop: 0, systemd: 1 });
  expect(await bench().isAlive(leaseId)).toBe(false);
  await pass(ttlMs);
  expect(registry.registration.isRegistered).toBe(false);
  keeper.systemdAnswered();
  await expect.poll(() => registry.registration.isRegistered, soon).toBe(true);
});
