import { expect, it } from 'vitest';
import { createApi } from '../../../src/api/server.ts';
import { joiningFrom } from '../../../src/daemon/joining.ts';
import { settingDefaults } from '../../../src/daemon/settings.ts';
import { FleetError } from '../../../src/lib/error.ts';
import type { Store } from '../../../src/registry/store.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster } from '../../builders/fake-cluster.ts';

async function asked(members: Store['members']): Promise<readonly [number, unknown]> {
  const { catalog } = new FakeCluster({ machineCount: 0 });
  const joining = joiningFrom({ members }, { ...settingDefaults, agentTtlMs: 2_500 });
  await using api = {
    ...(await createApi({ catalog, log: captureLog().log, version: '1', joining })),
    async [Symbol.asyncDispose]() {
      await this.close();
    },
  };
  const answer = await api.inject({ method: 'GET', url: '/fleet/v1/joining' });
  return [answer.status, JSON.parse(answer.text)];
}

it('GET /joining tells the members that answer, and what machines have in common', async () => {
  const answer = await asked(async () => [
    { name: 'b', clientUrls: ['http://b:2379'], isLearner: false },
    { name: 'a', clientUrls: ['http://a:2379'], isLearner: false },
    { name: '', clientUrls: [], isLearner: false },
    { name: 'c', clientUrls: ['http://c:2379'], isLearner: true },
  ]);
  expect(answer).toEqual([
    200,
    {
      etcdServers: ['http://a:2379', 'http://b:2379'],
      etcdKeyPrefix: '/_coreos.com/fleet/',
      agentTtl: '2.5s',
      etcdCaFile: null,
      etcdCertFile: null,
      etcdKeyFile: null,
    },
  ]);
});

it('GET /joining says so when the store does not answer', async () => {
  const [status] = await asked(async () => {
    throw new FleetError('etcd is away', {
      code: 'registry/unavailable',
      retry: 'soon',
      hint: 'Repair it.',
    });
  });
  expect(status).toBe(503);
});
