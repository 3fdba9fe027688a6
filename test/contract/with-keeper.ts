// An etcd of its own for each test, a proxy before it, and keepers of leases on it.
import { afterEach, beforeEach, expect } from 'vitest';
import { systemClock } from '../../src/lib/clock.ts';
import type { BootId, MachineId } from '../../src/model/ids.ts';
import { connectRegistry, type Registry } from '../../src/registry/connect-registry.ts';
import { EtcdStore } from '../../src/registry/etcd-store.ts';
import { KeeperThread, type KeeperThreadOptions } from '../../src/registry/keeper-thread.ts';
import type { LeaseEvents, Renewal } from '../../src/registry/lease-keeper.ts';
import type { LeaseId } from '../../src/registry/store.ts';
import { type EtcdServer, startEtcd } from './etcd-server.ts';
import { keeperFile } from './keeper-code.ts';
import { startProxy, type TcpProxy } from './tcp-proxy.ts';

export const never = new AbortController().signal;
export const ttlMs = 2000;
/** What no test measures may take long on a computer that has much else to do. */
export const soon = { timeout: 15_000 } as const;
export const leaderKey = '/keeper/engine/leader';

export const pass = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** What a keeper has told of a lease. */
export interface Told extends LeaseEvents {
  readonly answers: readonly number[];
  readonly problems: readonly string[];
  readonly goneCount: number;
}

export function listener(): Told {
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

function accessTo(endpoints: readonly string[]) {
  return { endpoints, tls: null, login: null, requestTimeoutMs: 500 };
}

/** What runs during one test. */
export class KeeperBench {
  readonly etcd: EtcdServer;
  readonly proxy: TcpProxy;
  readonly store: EtcdStore;
  /** Called when the test is over. */
  readonly closers: (() => void)[] = [];

  constructor(etcd: EtcdServer, proxy: TcpProxy) {
    this.etcd = etcd;
    this.proxy = proxy;
    this.store = new EtcdStore(accessTo([etcd.endpoint]), systemClock);
    this.closers.push(() => this.store.close());
  }

  keeper(some: Partial<KeeperThreadOptions> = {}): KeeperThread {
    const keeper = new KeeperThread({
      ...{ code: keeperFile, endpoints: [this.etcd.endpoint], tls: null, login: null },
      ...{ firstMember: 0, wedgeMs: 10 * ttlMs, leaderKey, clock: systemClock, ...some },
    });
    this.closers.push(() => keeper.close());
    return keeper;
  }

  registry(keeper: KeeperThread, endpoints: readonly string[]): Registry {
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
    this.closers.push(() => registry.close());
    return registry;
  }

  async lease(): Promise<LeaseId> {
    return (await this.store.grantLease(ttlMs, never)).leaseId;
  }

  async isAlive(leaseId: LeaseId): Promise<boolean> {
    return (await this.store.inspectLease(leaseId, never)) !== null;
  }

  /** Everything goes, in the order in which it can. */
  async end(): Promise<void> {
    this.etcd.resume();
    for (const close of this.closers.splice(0)) close();
    await this.proxy.close();
    await this.etcd.stop();
  }
}

/** Sets one up for each test of the file. */
export function withKeeper(): () => KeeperBench {
  let bench: KeeperBench | null = null;
  beforeEach(async () => {
    const etcd = await startEtcd();
    bench = new KeeperBench(etcd, await startProxy(etcd.port));
  });
  afterEach(async () => bench?.end());
  return () => {
    if (bench === null) throw new Error('only within a test');
    return bench;
  };
}

/** Registers it as its daemon would; the lease that it holds from then on. */
export async function joined(registry: Registry): Promise<LeaseId> {
  await registry.cluster.settle({ clusterId: null, epoch: null, revision: null }, 'ours', never);
  expect(await registry.registration.join(never)).toEqual({ kind: 'registered' });
  if (registry.lease.id === null) throw new Error('no lease');
  return registry.lease.id;
}
