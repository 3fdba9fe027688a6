import { expect, it } from 'vitest';
import { createApi } from '../../../src/api/server.ts';
import type { Notice } from '../../../src/model/notice.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster } from '../../builders/fake-cluster.ts';

async function served(told?: readonly Notice[]): Promise<unknown> {
  const { catalog } = new FakeCluster({ machineCount: 0 });
  const notices = told === undefined ? {} : { notices: { read: async () => told } };
  const api = await createApi({ catalog, log: captureLog().log, version: '1', ...notices });
  const answer = await api.inject({ method: 'GET', url: '/fleet/v1/notices' });
  await api.close();
  return { status: answer.status, ...JSON.parse(answer.text) };
}

it('GET /notices is a list, empty when there is nothing to tell', async () => {
  expect(await served()).toEqual({ status: 200, notices: [] });
  expect(await served([])).toEqual({ status: 200, notices: [] });
});

it('GET /notices?except= hands on what is not to be told', async () => {
  const { catalog } = new FakeCluster({ machineCount: 0 });
  const asked: unknown[] = [];
  const read = async (_signal: AbortSignal, except?: ReadonlySet<string>) => {
    asked.push([...(except ?? [])]);
    return [];
  };
  const api = await createApi({ catalog, log: captureLog().log, version: '1', notices: { read } });
  const ask = (query: string) => api.inject({ method: 'GET', url: `/fleet/v1/notices${query}` });
  expect((await ask('?except=orphans,brake')).status).toBe(200);
  expect((await ask('')).status).toBe(200);
  expect(asked).toEqual([['orphans', 'brake'], []]);
  expect((await ask('?except=a&except=b')).status).toBe(400);
  await api.close();
});

it('GET /notices tells kind, text and hint', async () => {
  const notice: Notice = { kind: 'brake', text: 'what', hint: 'do' };
  expect(await served([notice])).toEqual({ status: 200, notices: [notice] });
});
