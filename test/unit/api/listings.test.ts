import { describe, expect, it } from 'vitest';
import type { MachinePageBody, UnitPageBody, UnitStatePageBody } from '../../../src/api/schema.ts';
import { type Api, createApi } from '../../../src/api/server.ts';
import { ask } from '../../builders/api-requests.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster } from '../../builders/fake-cluster.ts';

const text = '[Service]\nExecStart=/bin/true\n';

async function setUp(
  unitCount: number,
  machineCount = 3,
): Promise<{ readonly cluster: FakeCluster; readonly api: Api }> {
  const cluster = new FakeCluster({ machineCount });
  await cluster.start();
  const { log } = captureLog();
  const api = await createApi({ catalog: cluster.catalog, log, version: '0.1.0' });
  for (let number = 1; number <= unitCount; number += 1) {
    await ask(api, 'PUT', `/units/u${number}.service`, { desiredState: 'launched', text });
  }
  await cluster.settled();
  return { cluster, api };
}

async function walk(api: Api, path: string, change?: () => Promise<void>): Promise<string[][]> {
  const pages: string[][] = [];
  let token: string | undefined;
  do {
    const more = token === undefined ? '' : `&nextPageToken=${token}`;
    const answer = await ask(api, 'GET', `${path}${more}`);
    expect(answer.status).toBe(200);
    const page = answer.body as UnitPageBody;
    pages.push(page.units.map(({ name }) => name));
    token = page.nextPageToken;
    await change?.();
  } while (token !== undefined);
  return pages;
}

describe('pages', () => {
  it('hold as many items as asked for, and every item once', async () => {
    const { api } = await setUp(5);
    const pages = await walk(api, '/units?limit=2');
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat().sort()).toEqual([1, 2, 3, 4, 5].map((number) => `u${number}.service`));
  });

  it('name the next one in a header, as in their body', async () => {
    const { api } = await setUp(3);
    const first = await api.inject({ method: 'GET', url: '/fleet/v1/units?limit=2&brief=true' });
    const path = /^<(.*)>; rel="next"$/.exec(String(first.headers['link']))?.[1] ?? '';
    const second = await api.inject({ method: 'GET', url: path });
    const { nextPageToken } = JSON.parse(first.text);
    const plain = `/units?limit=2&brief=true&nextPageToken=${encodeURIComponent(nextPageToken)}`;
    expect(JSON.parse(second.text)).toEqual((await ask(api, 'GET', plain)).body);
    expect(second.headers['link']).toBeUndefined();
  });

  it('show one revision: what is submitted during a walk is not in it', async () => {
    const { api } = await setUp(4);
    let count = 0;
    const pages = await walk(api, '/units?limit=2', async () => {
      count += 1;
      await ask(api, 'PUT', `/units/u2-${count}.service`, { text });
      await ask(api, 'DELETE', '/units/u4.service');
    });
    expect(pages.flat().sort()).toEqual([1, 2, 3, 4].map((number) => `u${number}.service`));
  });

  it('hold 100 items when nothing is said, and 1000 when more is wanted', async () => {
    const cluster = new FakeCluster({ machineCount: 0, isIdle: true });
    const { log } = captureLog();
    const asked: number[] = [];
    const { signal } = new AbortController();
    const catalog = cluster.catalog;
    const readUnits = catalog.readUnits.bind(catalog);
    catalog.readUnits = (page) => {
      asked.push(page.limitCount);
      return readUnits({ start: null, limitCount: 1 }, signal);
    };
    const api = await createApi({ catalog, log, version: '0.1.0' });
    for (const query of ['', '?limit=5', '?limit=1000', '?limit=999999']) {
      await ask(api, 'GET', `/units${query}`);
    }
    const other = await createApi({ catalog, log, version: '0.1.0', pageItemsDefault: 7 });
    await ask(other, 'GET', '/units');
    expect(asked).toEqual([100, 5, 1000, 1000, 7]);
  });

  it('hold the units that are named and there, in that order', async () => {
    const { api } = await setUp(3);
    await ask(api, 'DELETE', '/units/u2.service');
    const names = ['u3.service', 'u2.service', 'none.service', 'no name', 'u1.service'].join(',');
    const whole = await ask(api, 'GET', `/units?names=${encodeURIComponent(names)}&limit=1`);
    const { units } = whole.body as UnitPageBody;
    expect(units.map(({ name }) => name)).toEqual(['u3.service', 'u1.service']);
    for (const unit of units) {
      expect((await ask(api, 'GET', `/units/${unit.name}`)).body).toEqual(unit);
    }
    const brief = await ask(api, 'GET', `/units?names=u1.service&brief=true`);
    expect(brief.body).toMatchObject({ units: [{ name: 'u1.service', text: '', options: [] }] });
  });

  it.each([
    ['more names than a page may have', `/units?names=${'a.service,'.repeat(100)}b.service`],
    ['a limit that is no number', '/units?limit=many'],
    ['a limit of nothing', '/units?limit=0'],
    ['a negative limit', '/units?limit=-1'],
    ['a limit given twice', '/units?limit=1&limit=2'],
    ['a token of nobody', '/units?nextPageToken=bm9uc2Vuc2U'],
    ['a token that is no base64', '/units?nextPageToken=%20'],
    ['a token of another format', `/units?nextPageToken=${token([2, 'units', '5', 'a', 9])}`],
    ['a token with a bad revision', `/units?nextPageToken=${token([1, 'units', '-5', 'a', 9])}`],
    [
      'a token with a revision that etcd cannot hold',
      `/units?nextPageToken=${token([1, 'units', '9999999999999999999', 'a', 9])}`,
    ],
    ['a token with a bad limit', `/units?nextPageToken=${token([1, 'units', '5', 'a', 0])}`],
    ['a token of another listing', `/units?nextPageToken=${token([1, 'machines', '5', 'a', 9])}`],
    [
      'a token of the same listing with another filter',
      `/state?unitName=a.service&nextPageToken=${token([1, '["state",null,null]', '5', 'a', 9])}`,
    ],
    ['a filter given twice', '/state?machineID=a&machineID=b'],
  ])('are refused with 400 for %s', async (_what, path) => {
    const { api } = await setUp(0);
    const answer = await ask(api, 'GET', path);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 400 } } });
  });

  it('answer 410 when the store no longer keeps the revision', async () => {
    const { api, cluster } = await setUp(3);
    const first = (await ask(api, 'GET', '/units?limit=1')).body as UnitPageBody;
    await ask(api, 'DELETE', '/units/u1.service');
    await cluster.settled();
    cluster.store.compact(cluster.store.revision);
    const path = `/units?limit=1&nextPageToken=${first.nextPageToken}`;
    const answer = await ask(api, 'GET', path);
    expect(answer).toMatchObject({ status: 410 });
    expect(answer.text).toContain('start again');
  });
});

describe('GET /state', () => {
  it('has a row for each machine and unit, in systemd words', async () => {
    const { api } = await setUp(1);
    const { states } = (await ask(api, 'GET', '/state')).body as UnitStatePageBody;
    expect(states).toEqual([
      {
        name: 'u1.service',
        hash: expect.stringMatching(/^[0-9a-f]{40}$/),
        machineID: '1'.repeat(32),
        systemdLoadState: 'loaded',
        systemdActiveState: 'active',
        systemdSubState: 'running',
        problem: null,
      },
    ]);
  });

  it('filters by machine, by unit and by both', async () => {
    const { api } = await setUp(4);
    const count = async (query: string): Promise<number> => {
      const { states } = (await ask(api, 'GET', `/state?${query}`)).body as UnitStatePageBody;
      return states.length;
    };
    expect(await count(`machineID=${'1'.repeat(32)}`)).toBe(2);
    expect(await count('unitName=u1.service')).toBe(1);
    expect(await count(`machineID=${'2'.repeat(32)}&unitName=u1.service`)).toBe(0);
    expect(await count('machineID=')).toBe(4);
  });

  it('is empty for names that no machine and no unit can have', async () => {
    const { api } = await setUp(1);
    for (const query of ['machineID=../units', 'machineID=1', 'unitName=nonsense']) {
      expect((await ask(api, 'GET', `/state?${query}`)).body).toEqual({ states: [] });
    }
  });

  it('gives the row of one unit under its name, and 404 when no machine has it', async () => {
    const { api } = await setUp(1);
    const answer = await ask(api, 'GET', '/state/u1.service');
    expect(answer).toMatchObject({ status: 200, body: { name: 'u1.service' } });
    for (const name of ['u2.service', 'nonsense']) {
      expect((await ask(api, 'GET', `/state/${name}`)).status).toBe(404);
    }
  });
});

describe('GET /machines', () => {
  it('lists machines with address, metadata and version, in pages', async () => {
    const { api } = await setUp(0);
    const first = (await ask(api, 'GET', '/machines?limit=2')).body as MachinePageBody;
    expect(first.machines[1]).toEqual({
      id: '2'.repeat(32),
      primaryIP: '10.0.0.2',
      metadata: { disk: 'ssd', zone: 'b' },
      version: '0.1.0',
    });
    const path = `/machines?nextPageToken=${first.nextPageToken}`;
    const second = (await ask(api, 'GET', path)).body as MachinePageBody;
    expect(second.machines.map(({ id }) => id)).toEqual(['3'.repeat(32)]);
    expect(second.nextPageToken).toBeUndefined();
  });
});

function token(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}
