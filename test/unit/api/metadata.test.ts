import { describe, expect, it } from 'vitest';
import type { MachinePageBody } from '../../../src/api/schema.ts';
import { type Api, createApi } from '../../../src/api/server.ts';
import { ask } from '../../builders/api-requests.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster, machineId } from '../../builders/fake-cluster.ts';

async function setUp(): Promise<Api> {
  const cluster = new FakeCluster({ machineCount: 2 });
  await cluster.start();
  return createApi({ catalog: cluster.catalog, log: captureLog().log, version: '0.1.0' });
}

async function metadataOf(api: Api, number: number): Promise<Readonly<Record<string, string>>> {
  const { machines } = (await ask(api, 'GET', '/machines')).body as MachinePageBody;
  return machines.find(({ id }) => id === machineId(number))?.metadata ?? {};
}

const [one, two] = [`/${machineId(1)}/metadata`, `/${machineId(2)}/metadata`];

describe('PATCH /machines', () => {
  it('sets metadata of several machines in one request', async () => {
    const api = await setUp();
    const answer = await ask(api, 'PATCH', '/machines', [
      { op: 'add', path: `${one}/rack`, value: 'r1' },
      { op: 'replace', path: `${two}/disk`, value: 'hdd' },
    ]);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expect(await metadataOf(api, 1)).toEqual({ rack: 'r1' });
    expect(await metadataOf(api, 2)).toEqual({ disk: 'hdd', zone: 'b' });
  });

  it('takes the value in the form that fleet 1.0 read', async () => {
    const api = await setUp();
    const operation = { op: 'add', path: `${one}/rack`, value: { value: 'r1' } };
    expect((await ask(api, 'PATCH', '/machines', [operation])).status).toBe(204);
    expect(await metadataOf(api, 1)).toEqual({ rack: 'r1' });
  });

  it('takes a key away, also one that fleet.conf sets, and gives it back', async () => {
    const api = await setUp();
    await ask(api, 'PATCH', '/machines', [{ op: 'remove', path: `${two}/disk` }]);
    expect(await metadataOf(api, 2)).toEqual({ zone: 'b' });
    await ask(api, 'PATCH', '/machines', [{ op: 'add', path: `${two}/disk`, value: 'ssd' }]);
    expect(await metadataOf(api, 2)).toEqual({ disk: 'ssd', zone: 'b' });
  });

  it('goes through operations in order: the last on a key counts', async () => {
    const api = await setUp();
    const path = `${one}/rack`;
    await ask(api, 'PATCH', '/machines', [
      { op: 'add', path, value: 'a' },
      { op: 'remove', path },
      { op: 'add', path, value: 'b' },
    ]);
    expect(await metadataOf(api, 1)).toEqual({ rack: 'b' });
  });

  it('is for machines that are not there too', async () => {
    const api = await setUp();
    const path = `/${machineId(9)}/metadata/rack`;
    expect((await ask(api, 'PATCH', '/machines', [{ op: 'add', path, value: 'x' }])).status).toBe(
      204,
    );
  });

  it.each([
    ['no list', { op: 'add' }, 'the body must be a list'],
    ['another operation', [{ op: 'move', path: `${one}/a`, value: 'b' }], '[0].op: "move"'],
    ['no operation', [{ path: `${one}/a`, value: 'b' }], '[0].op:'],
    ['no path', [{ op: 'add', value: 'b' }], '[0].path:'],
    ['a path of something else', [{ op: 'add', path: '/a/b', value: 'b' }], '[0].path: "/a/b"'],
    ['a key with a slash', [{ op: 'add', path: `${one}/a/b`, value: 'c' }], '[0].path:'],
    ['a name for a machine', [{ op: 'add', path: '/m1/metadata/a', value: 'c' }], '[0].path:'],
    ['no value', [{ op: 'add', path: `${one}/a` }], '[0].value:'],
    ['an empty value', [{ op: 'replace', path: `${one}/a`, value: '' }], '[0].value:'],
    ['a number', [{ op: 'replace', path: `${one}/a`, value: 1 }], '[0].value:'],
    ['a line break', [{ op: 'add', path: `${one}/a`, value: 'x\ny' }], 'control characters'],
    ['a text', ['add'], '[0]: must be an object'],
    ['too many', Array(101).fill({ op: 'remove', path: `${one}/a` }), '101 operations'],
  ])('refuses %s, and then changes nothing at all', async (_what, body, said) => {
    const api = await setUp();
    const first = { op: 'add', path: `${one}/rack`, value: 'r1' };
    const list = Array.isArray(body) && body.length < 100 ? [...body, first] : body;
    const answer = await ask(api, 'PATCH', '/machines', list);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain(JSON.stringify(said).slice(1, -1));
    expect(await metadataOf(api, 1)).toEqual({});
  });

  it('wants its body declared as JSON, or as a JSON patch', async () => {
    const api = await setUp();
    const request = { method: 'PATCH', url: '/fleet/v1/machines', body: '[]' } as const;
    const type = (text: string) => ({ ...request, headers: { 'content-type': text } });
    expect((await api.inject(type('application/json-patch+json'))).status).toBe(204);
    expect((await api.inject(type('application/json; charset=utf-8'))).status).toBe(204);
    expect((await api.inject(type('text/plain'))).status).toBe(415);
    expect((await api.inject(request)).status).toBe(415);
  });
});
