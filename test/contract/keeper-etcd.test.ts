// What a keeper does for a lease when members, connections or the lease itself go.
import { expect, test } from 'vitest';
import { joined, listener, never, pass, soon, ttlMs, withKeeper } from './with-keeper.ts';

const bench = withKeeper();

test('a member that swallows packets is left for another one before the lease runs out', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  const keeper = bench().keeper({ endpoints: [bench().proxy.endpoint, bench().etcd.endpoint] });
  keeper.resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  bench().proxy.stall();
  await expect.poll(() => told.problems.length, { timeout: 2 * ttlMs }).toBeGreaterThan(0);
  const before = told.answers.length;
  await pass(2 * ttlMs);
  expect(told.answers.length).toBeGreaterThan(before + 3);
  expect([await bench().isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('an only member that swallows packets is connected to anew', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  bench()
    .keeper({ endpoints: [bench().proxy.endpoint] })
    .resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  bench().proxy.stall();
  await pass(ttlMs / 4);
  await bench().proxy.heal(); // only new connections work: the old one stays dead
  await pass(2 * ttlMs);
  expect([await bench().isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('a renewal that got no answer takes the watches off that member as well', async () => {
  const keeper = bench().keeper({ endpoints: [bench().proxy.endpoint, bench().etcd.endpoint] });
  const registry = bench().registry(keeper, [bench().proxy.endpoint, bench().etcd.endpoint]);
  const leaseId = await joined(registry);
  const ended = new Promise<string>((resolve) => {
    const range = { from: '/keeper/x', to: '/keeper/y' };
    const nothing = (): void => undefined;
    registry.store.watch(range, 1n as never, { events: nothing, alive: nothing, ended: resolve });
  });
  await pass(ttlMs / 2);
  bench().proxy.stall();
  expect(await ended).toBe('broken');
  await pass(2 * ttlMs);
  expect([await bench().isAlive(leaseId), registry.lease.id]).toEqual([true, leaseId]);
});

test('a lease that was revoked is noticed at the next renewal', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  bench().keeper().keep({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  await bench().store.revokeLease(leaseId, never);
  await expect.poll(() => told.goneCount, { timeout: ttlMs }).toBe(1);
  const answered = told.answers.length;
  await pass(ttlMs);
  expect([told.answers.length, told.goneCount]).toEqual([answered, 1]);
});

test('an etcd that is away for longer than the TTL costs no lease: only etcd ends one', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  bench().keeper().resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  await bench().etcd.kill();
  await pass(2 * ttlMs);
  expect(told.problems.join()).toMatch(/etcd at http:.*ECONNREFUSED/);
  const before = told.answers.length;
  await bench().etcd.start();
  await expect.poll(() => told.answers.length, { timeout: 2 * ttlMs }).toBeGreaterThan(before);
  await pass(1.5 * ttlMs);
  expect([await bench().isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('an etcd that only answers late keeps the lease', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  bench().keeper().resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  for (let round = 0; round < 4; round += 1) {
    bench().etcd.pause();
    await pass(ttlMs / 4);
    bench().etcd.resume();
    await pass(ttlMs / 8);
  }
  await pass(ttlMs);
  expect([await bench().isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('a lease is let go at once, and nothing more is told of it', async () => {
  const leaseId = await bench().lease();
  const told = listener();
  const letGo = bench().keeper().resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  letGo();
  const answered = told.answers.length;
  await expect.poll(() => bench().isAlive(leaseId), { timeout: 3 * ttlMs }).toBe(false);
  expect([told.answers.length, told.goneCount]).toEqual([answered, 0]);
});
