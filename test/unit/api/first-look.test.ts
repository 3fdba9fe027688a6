import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/server.ts';
import { openRegistry, type Registry } from '../../../src/registry/connect-registry.ts';
import { FaultyStore } from '../../../src/registry/faulty-store.ts';
import { MemoryStore } from '../../../src/registry/memory-store.ts';
import type { ClusterMemory } from '../../../src/registry/store-gate.ts';
import { captureLog } from '../../builders/api-server.ts';
import { aMachine, machineId } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const never = new AbortController().signal;
const nothing: ClusterMemory = { clusterId: null, epoch: null, revision: null };

let line: FaultyStore;
let registry: Registry;
let api: Api;
beforeEach(async () => {
  const clock = new ManualClock();
  line = new FaultyStore(new MemoryStore(clock));
  const self = aMachine(machineId(1));
  registry = openRegistry({ store: line, keyPrefix: '/f/', ttlMs: 3000, self, clock });
  api = await apiWaiting(60_000);
});
afterEach(() => api.close());

/** The API of a daemon that has just started, in which a request waits so long at most. */
function apiWaiting(storeWaitMs: number): Promise<Api> {
  const { catalog, gate } = registry;
  const storeLooked = (signal: AbortSignal): Promise<void> => gate.looked(signal);
  return createApi({ catalog, log: captureLog().log, version: '1', storeLooked, storeWaitMs });
}

const listed = (): Promise<number> =>
  api.inject({ method: 'GET', url: '/fleet/v1/machines' }).then(({ status }) => status);

it('whoever asks a fleetd that has just started waits until it has looked at the store', async () => {
  const early = [
    listed(),
    api
      .inject({
        ...{ method: 'PUT', url: '/fleet/v1/units/a.service' },
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          desiredState: 'inactive',
          options: [{ section: 'Service', name: 'ExecStart', value: '/bin/true' }],
        }),
      })
      .then(({ status }) => status),
  ];
  await registry.cluster.settle(nothing, 'ours', never);
  expect(await Promise.all(early)).toEqual([200, 201]);
});

it('what needs no store is answered at once', async () => {
  const { status } = await api.inject({ method: 'GET', url: '/fleet/v1/discovery' });
  expect(status).toBe(200);
});

it('a first look that fails is told at once, and the next one counts', async () => {
  const early = listed();
  line.cut();
  await expect(registry.cluster.settle(nothing, 'ours', never)).rejects.toThrow();
  expect([await early, await listed()]).toEqual([503, 503]);
  line.heal();
  await registry.cluster.settle(nothing, 'ours', never);
  expect(await listed()).toBe(200);
});

it('where no look comes to an end the request does', async () => {
  await api.close();
  api = await apiWaiting(20);
  const answer = await api.inject({ method: 'GET', url: '/fleet/v1/machines' });
  expect([answer.status, answer.text]).toEqual([503, expect.stringContaining('not looked at yet')]);
});
