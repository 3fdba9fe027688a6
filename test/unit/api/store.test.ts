import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Api, createApi } from '../../../src/api/server.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster } from '../../builders/fake-cluster.ts';
import { PaperStore } from '../../builders/paper-store.ts';

let store: PaperStore;
let api: Api;
beforeEach(async () => {
  store = new PaperStore();
  const { catalog } = new FakeCluster({ machineCount: 0 });
  api = await createApi({ catalog, log: captureLog().log, version: '1', store });
});
afterEach(() => api.close());

async function post(body: unknown): Promise<readonly [number, unknown]> {
  const headers = { 'content-type': 'application/json' };
  const url = '/fleet/v1/store';
  const answer = await api.inject({ method: 'POST', url, headers, body: JSON.stringify(body) });
  return [answer.status, JSON.parse(answer.text)];
}

it('GET /store says why a machine is frozen', async () => {
  store.now = { kind: 'frozen', why: 'store-not-ours', reason: 'emptied' };
  const answer = await api.inject({ method: 'GET', url: '/fleet/v1/store' });
  const body = { standing: 'frozen', why: 'store-not-ours', reason: 'emptied' };
  expect([answer.status, JSON.parse(answer.text)]).toEqual([200, body]);
});

it('POST /store adopts, and says what is followed from then on', async () => {
  store.now = { kind: 'frozen', why: 'store-not-ours', reason: 'emptied' };
  expect(await post({ action: 'adopt' })).toEqual([
    200,
    { standing: 'ours', clusterId: 'paper', epoch: 2, format: 1, outcome: 'adopted' },
  ]);
});

it('POST /store refuses with a reason, and what it does not know', async () => {
  store.finish = { kind: 'refused', why: 'machine x is older', hint: 'Upgrade it.' };
  const error = { code: 409, message: 'machine x is older', hint: 'Upgrade it.' };
  expect(await post({ action: 'finish-upgrade' })).toEqual([409, { error }]);
  expect((await post({ action: 'else' }))[0]).toBe(400);
  expect((await post([]))[0]).toBe(400);
});
