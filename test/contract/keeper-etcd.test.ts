import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { BootId, MachineId } from '../../src/model/ids.ts';
import { connectRegistry, type Registry } from '../../src/registry/connect-registry.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import {
  type KeeperCode,
  KeeperThread,
  type KeeperThreadOptions,
} from '../../src/registry/keeper-thread.ts';
import type { LeaseEvents, Renewal } from '../../src/registry/lease-keeper.ts';
import type { LeaseId } from '../../src/registry/store.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';
import { keeperFile, keeperText } from './keeper-code.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

const never = new AbortController().signal;
const ttlMs = 2000;
/** What no test measures may take long on a computer that has much else to do. */
const soon = { timeout: 15_000 } as const;
const leaderKey = '/keeper/engine/leader';

let etcd: EtcdServer;
let proxy: TcpProxy;
let store: EtcdStore;
const closers: (() => void)[] = [];

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

beforeEach(async () => {
  etcd = await startEtcd();
  proxy = await startProxy(etcd.port);
  store = new EtcdStore(accessTo([etcd.endpoint]), systemClock);
  closers.push(() => store.close());
});

afterEach(async () => {
  etcd.resume();
  for (const close of closers.splice(0)) close();
  await proxy.close();
  await etcd.stop();
});

function accessTo(endpoints: readonly string[]) {
  return { endpoints, tls: null, login: null, requestTimeoutMs: 500 };
}

function aKeeper(some: Partial<KeeperThreadOptions> = {}): KeeperThread {
  const keeper = new KeeperThread({
    ...{ code: keeperFile, endpoints: [etcd.endpoint], tls: null, login: null },
    ...{ firstMember: 0, wedgeMs: 10 * ttlMs, leaderKey, clock: systemClock, ...some },
  });
  closers.push(() => keeper.close());
  return keeper;
}

/** What a keeper has told of a lease. */
interface Told extends LeaseEvents {
  readonly answers: readonly number[];
  readonly problems: readonly string[];
  readonly goneCount: number;
}

function listener(): Told {
  const told = {
    answers: [] as number[],
    problems: [] as string[],
    goneCount: 0,
    answered: ({ atMs }: Renewal) => void told.answers.push(atMs),
    failed: (problem: string) => void told.problems.push(problem),
    gone: () => {
      told.goneCount += 1;
    },
  };
  return told;
}

async function aLease(): Promise<LeaseId> {
  return (await store.grantLease(ttlMs, never)).leaseId;
}

/** Nothing else happens in this process meanwhile. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function isAlive(leaseId: LeaseId): Promise<boolean> {
  return (await store.inspectLease(leaseId, never)) !== null;
}

function aRegistry(keeper: KeeperThread, endpoints: readonly string[]): Registry {
  const registry = connectRegistry(
    {
      ...{ keyPrefix: '/keeper/', ttlMs, clock: systemClock },
      self: {
        ...{ id: 'a'.repeat(32) as MachineId, bootId: 'boot' as BootId, address: '10.0.0.1' },
        ...{ version: '1', metadata: new Map(), leaving: false },
      },
    },
    accessTo(endpoints),
    keeper,
  );
  closers.push(() => registry.close());
  return registry;
}

async function joined(registry: Registry): Promise<LeaseId> {
  await registry.cluster.settle({ clusterId: null, epoch: null, revision: null }, 'ours', never);
  expect(await registry.registration.join(never)).toEqual({ kind: 'registered' });
  if (registry.lease.id === null) throw new Error('no lease');
  return registry.lease.id;
}

describe.each([
  ['from a checkout', async (): Promise<KeeperCode> => keeperFile],
  ['bundled, as one string', keeperText],
])('the keeper thread %s', (_how, codeOf) => {
  test('keeps a lease while the main loop is blocked for three TTLs, and gives up leading', async () => {
    const keeper = aKeeper({ code: await codeOf() });
    const registry = aRegistry(keeper, [etcd.endpoint]);
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
    expect(await isAlive(leaseId)).toBe(true);
    expect([registry.lease.id, lostCount]).toEqual([leaseId, 0]);
    expect(registry.registration.isRegistered).toBe(true);
    await expect.poll(() => keeper.counts().stoodDownCount, soon).toBe(1);
    // Answers came all the while: nothing that was renewed in time counts as a gap.
    await expect.poll(() => registry.lease.steadyMs, soon).toBeGreaterThan(3 * ttlMs);
    const next = await registry.election.lead(never);
    expect(next?.isLive()).toBe(true);
  });
});

async function whole(key: string) {
  const range = { from: key, to: `${key}\0` };
  const answer = await store.range(
    { range, limitCount: 1, revision: null, keysOnly: false },
    never,
  );
  if (!answer.ok) throw new Error(answer.error);
  return answer.value;
}

test('the leadership of another machine is left alone by a keeper whose loop is stuck', async () => {
  const other = await aLease();
  const keepOther = aKeeper();
  keepOther.keep({ leaseId: other, ttlMs }, listener());
  const put = { kind: 'put', key: leaderKey, value: '{}', leaseId: other } as const;
  await store.txn({ onlyIf: [], writes: [put] }, never);
  const leaseId = await aLease();
  const keeper = aKeeper();
  keeper.resume({ leaseId, ttlMs }, listener());
  await pass(ttlMs / 2);
  keepOther.lead(1n as never); // both loops are this one: its own term is not that of the key
  await pass(100);
  block(2 * ttlMs);
  expect((await whole(leaderKey)).items).toHaveLength(1);
  expect([await isAlive(leaseId), await isAlive(other)]).toEqual([true, true]);
});

test('a leadership whose term the keeper was not told of is known by its lease', async () => {
  const leaseId = await aLease();
  const told = listener();
  aKeeper().resume({ leaseId, ttlMs }, told);
  const put = { kind: 'put', key: leaderKey, value: '{}', leaseId } as const;
  await store.txn({ onlyIf: [], writes: [put] }, never);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  block(2 * ttlMs);
  expect((await whole(leaderKey)).items).toEqual([]);
  expect(await isAlive(leaseId)).toBe(true);
});

test('a member that swallows packets is left for another one before the lease runs out', async () => {
  const leaseId = await aLease();
  const told = listener();
  const keeper = aKeeper({ endpoints: [proxy.endpoint, etcd.endpoint] });
  keeper.resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  proxy.stall();
  await expect.poll(() => told.problems.length, { timeout: 2 * ttlMs }).toBeGreaterThan(0);
  const before = told.answers.length;
  await pass(2 * ttlMs);
  expect(told.answers.length).toBeGreaterThan(before + 3);
  expect([await isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('an only member that swallows packets is connected to anew', async () => {
  const leaseId = await aLease();
  const told = listener();
  aKeeper({ endpoints: [proxy.endpoint] }).resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  proxy.stall();
  await pass(ttlMs / 4);
  await proxy.heal(); // only new connections work: the old one stays dead
  await pass(2 * ttlMs);
  expect([await isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('a renewal that got no answer takes the watches off that member as well', async () => {
  const keeper = aKeeper({ endpoints: [proxy.endpoint, etcd.endpoint] });
  const registry = aRegistry(keeper, [proxy.endpoint, etcd.endpoint]);
  const leaseId = await joined(registry);
  const ended = new Promise<string>((resolve) => {
    const range = { from: '/keeper/x', to: '/keeper/y' };
    const nothing = (): void => undefined;
    registry.store.watch(range, 1n as never, { events: nothing, alive: nothing, ended: resolve });
  });
  await pass(ttlMs / 2);
  proxy.stall();
  expect(await ended).toBe('broken');
  await pass(2 * ttlMs);
  expect([await isAlive(leaseId), registry.lease.id]).toEqual([true, leaseId]);
});

test('a lease that was revoked is noticed at the next renewal', async () => {
  const leaseId = await aLease();
  const told = listener();
  aKeeper().keep({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  await store.revokeLease(leaseId, never);
  await expect.poll(() => told.goneCount, { timeout: ttlMs }).toBe(1);
  const answered = told.answers.length;
  await pass(ttlMs);
  expect([told.answers.length, told.goneCount]).toEqual([answered, 1]);
});

test('an etcd that is away for longer than the TTL costs no lease: only etcd ends one', async () => {
  const leaseId = await aLease();
  const told = listener();
  aKeeper().resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  await etcd.kill();
  await pass(2 * ttlMs);
  expect(told.problems.join()).toMatch(/etcd at http:.*ECONNREFUSED/);
  const before = told.answers.length;
  await etcd.start();
  await expect.poll(() => told.answers.length, { timeout: 2 * ttlMs }).toBeGreaterThan(before);
  await pass(1.5 * ttlMs);
  expect([await isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('an etcd that only answers late keeps the lease', async () => {
  const leaseId = await aLease();
  const told = listener();
  aKeeper().resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  for (let round = 0; round < 4; round += 1) {
    etcd.pause();
    await pass(ttlMs / 4);
    etcd.resume();
    await pass(ttlMs / 8);
  }
  await pass(ttlMs);
  expect([await isAlive(leaseId), told.goneCount]).toEqual([true, 0]);
});

test('an agent that systemd does not answer loses the lease, and holds none until it does', async () => {
  const keeper = aKeeper({ wedgeMs: 2 * ttlMs });
  const registry = aRegistry(keeper, [etcd.endpoint]);
  const leaseId = await joined(registry);
  keeper.expectSystemd();
  const ending = new AbortController();
  closers.push(() => ending.abort());
  void registry.registration.keep(ending.signal);
  await expect.poll(() => registry.lease.id, { timeout: 5 * ttlMs }).toBeNull();
  expect(keeper.counts().withheld).toEqual({ loop: 0, systemd: 1 });
  expect(await isAlive(leaseId)).toBe(false);
  await pass(ttlMs);
  expect(registry.registration.isRegistered).toBe(false);
  keeper.systemdAnswered();
  await expect.poll(() => registry.registration.isRegistered, soon).toBe(true);
});

test('a lease is let go at once, and nothing more is told of it', async () => {
  const leaseId = await aLease();
  const told = listener();
  const letGo = aKeeper().resume({ leaseId, ttlMs }, told);
  await expect.poll(() => told.answers.length, soon).toBeGreaterThan(0);
  letGo();
  const answered = told.answers.length;
  await expect.poll(() => isAlive(leaseId), { timeout: 3 * ttlMs }).toBe(false);
  expect([told.answers.length, told.goneCount]).toEqual([answered, 0]);
});
