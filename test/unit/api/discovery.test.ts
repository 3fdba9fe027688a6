import { describe, expect, it } from 'vitest';
import { rootUrlOf } from '../../../src/api/discovery.ts';
import { type Api, createApi } from '../../../src/api/server.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster, machineId } from '../../builders/fake-cluster.ts';

interface Method {
  readonly id: string;
  readonly httpMethod: string;
  readonly path: string;
  readonly parameters: Readonly<Record<string, { location: string; required?: boolean }>>;
  readonly request?: { readonly $ref: string };
  readonly response?: { readonly $ref: string };
}

interface Discovery {
  readonly rootUrl: string;
  readonly baseUrl: string;
  readonly servicePath: string;
  readonly schemas: Readonly<Record<string, { id: string; properties: Record<string, unknown> }>>;
  readonly resources: Readonly<Record<string, { methods: Readonly<Record<string, Method>> }>>;
}

async function served(host: string): Promise<{ readonly api: Api; readonly document: Discovery }> {
  const cluster = new FakeCluster({ machineCount: 1 });
  await cluster.start();
  const { catalog, roster } = cluster;
  const api = await createApi({ catalog, roster, log: captureLog().log, version: '1' });
  const answer = await api.inject({
    method: 'GET',
    url: '/fleet/v1/discovery',
    headers: { host },
  });
  expect([answer.status, answer.headers['content-type']]).toEqual([
    200,
    'application/json; charset=utf-8',
  ]);
  return { api, document: JSON.parse(answer.text) };
}

describe('GET /discovery', () => {
  it('names the resources and methods of API v1, and new ones beside them', async () => {
    const { document } = await served('m1:49153');
    const names = Object.entries(document.resources).map(([name, { methods }]) => [
      name,
      Object.keys(methods).sort(),
    ]);
    expect(Object.fromEntries(names)).toEqual({
      Machines: ['List'],
      Units: ['Delete', 'Get', 'List', 'Set'],
      UnitState: ['Get', 'List'],
      Notices: ['List'],
      Members: ['Delete', 'List'],
      Brake: ['Delete'],
    });
  });

  it('leads back to where it was asked for', async () => {
    const { document } = await served('m1:49153');
    expect(document.rootUrl).toBe('http://m1:49153/');
    expect(document.baseUrl).toBe('http://m1:49153/fleet/v1/');
    expect(document.rootUrl + document.servicePath).toBe(document.baseUrl);
  });

  it.each([
    ['10.0.0.1', 'http://10.0.0.1/'],
    ['[fd00::1]:49153', 'http://[fd00::1]:49153/'],
    [undefined, '$ENDPOINT/'],
    ['', '$ENDPOINT/'],
    ['a/b', '$ENDPOINT/'],
    ['"><script>', '$ENDPOINT/'],
  ])('makes of the host %s the root %s', (host, rootUrl) => {
    expect(rootUrlOf(host)).toBe(rootUrl);
  });

  it('describes only what is served, and every reference leads somewhere', async () => {
    const { api, document } = await served('m1');
    const methods = Object.values(document.resources).flatMap((r) => Object.values(r.methods));
    for (const { id, httpMethod, path, parameters, request, response } of methods) {
      for (const { $ref } of [request, response].filter((schema) => schema !== undefined)) {
        expect(document.schemas[$ref]?.id, id).toBe($ref);
      }
      for (const [name, { location }] of Object.entries(parameters)) {
        expect(path.includes(`{${name}}`), id).toBe(location === 'path');
      }
      const url = new URL(
        path.replace('{unitName}', 'a.service').replace('{machineID}', machineId(9)),
        document.baseUrl,
      ).pathname;
      const answer = await api.inject({ method: httpMethod as 'GET', url });
      const about = { GET: [200, 404], DELETE: [404], PUT: [415] }[httpMethod];
      expect(about, id).toContain(answer.status);
      expect(answer.text, id).not.toContain('nothing is served');
    }
  });

  it('takes no other method', async () => {
    const { api } = await served('m1');
    const answer = await api.inject({ method: 'POST', url: '/fleet/v1/discovery' });
    expect([answer.status, answer.headers['allow']]).toEqual([405, 'GET, HEAD']);
  });
});
