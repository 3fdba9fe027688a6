// API v1 as programs written for fleet 1.0 use it: options only, no fleetctl, any machine.
import { describe, expect, it } from 'vitest';
import type {
  UnitBody,
  UnitOptionBody,
  UnitPageBody,
  UnitStateBody,
  UnitStatePageBody,
} from '../../src/api/schema.ts';
import { ports } from '../../src/lab/names.ts';
import { patience, withFleet } from './with-fleet.ts';

const fleet = withFleet();

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/** What `fetch` is told besides the path: JSON unless another type is named. */
interface Asked {
  readonly method?: string;
  readonly body?: unknown;
  readonly type?: string;
  readonly via?: string;
}

async function ask(path: string, asked: Asked = {}): Promise<Answer> {
  const { address } = await fleet.lab.machine(asked.via ?? 'm1');
  const answer = await fetch(`http://${address}:${ports.fleetd}/fleet/v1${path}`, {
    method: asked.method ?? 'GET',
    ...(asked.body !== undefined && {
      body: JSON.stringify(asked.body),
      headers: { 'content-type': asked.type ?? 'application/json' },
    }),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === '' ? null : (JSON.parse(text) as unknown) };
}

async function put(name: string, body: object, via = 'm1'): Promise<number> {
  return (await ask(`/units/${name}`, { method: 'PUT', body, via })).status;
}

async function unit(name: string): Promise<UnitBody> {
  return (await ask(`/units/${name}`)).body as UnitBody;
}

async function states(query: string): Promise<readonly UnitStateBody[]> {
  return ((await ask(`/state?${query}`, { via: 'm2' })).body as UnitStatePageBody).states;
}

/** The options of a service that sleeps, and those that its [X-Fleet] section has. */
function sleeping(description: string, xFleet: Readonly<Record<string, string>> = {}) {
  const options: UnitOptionBody[] = [
    { section: 'Unit', name: 'Description', value: description },
    { section: 'Service', name: 'ExecStart', value: '/usr/bin/sleep infinity' },
    ...Object.entries(xFleet).map(([name, value]) => ({ section: 'X-Fleet', name, value })),
  ];
  return options;
}

describe('a unit over the API', () => {
  it('is stored, launched, filtered by machine and by name, stopped and destroyed', async () => {
    expect(await put('one.service', { desiredState: 'launched', options: sleeping('one') })).toBe(
      201,
    );
    const isActive = async () => (await states('unitName=one.service'))[0]?.systemdActiveState;
    await expect.poll(isActive, patience).toBe('active');
    const { machineID = '', hash } = await unit('one.service');
    expect((await ask('/state/one.service')).body).toMatchObject({ machineID, hash });
    const there = await states(`machineID=${machineID}`);
    expect(there.map(({ name }) => name)).toEqual(['one.service']);
    const { machines } = await fleet.lab.status();
    const other = machines.find(({ id }) => id !== machineID)?.id ?? '';
    expect(await states(`machineID=${other}&unitName=one.service`)).toEqual([]);
    expect(await put('one.service', { desiredState: 'loaded' }, 'm3')).toBe(204);
    await expect.poll(() => fleet.placesOf('one.service'), patience).toEqual([]);
    expect((await ask('/units/one.service', { method: 'DELETE' })).status).toBe(204);
    const isThere = async () => (await ask('/state/one.service')).status;
    await expect.poll(isThere, patience).toBe(404);
    expect((await ask('/units/one.service', { method: 'DELETE' })).status).toBe(404);
  });

  it('with other content and no state is stopped, and runs that when it is launched', async () => {
    expect(await put('two.service', { desiredState: 'launched', options: sleeping('old') })).toBe(
      201,
    );
    await expect.poll(() => fleet.placesOf('two.service'), patience).toHaveLength(1);
    expect(await put('two.service', { options: sleeping('new') })).toBe(201);
    await expect.poll(() => fleet.placesOf('two.service'), patience).toEqual([]);
    const state = async () => (await unit('two.service')).currentState;
    await expect.poll(state, patience).toBe('inactive');
    expect(await put('two.service', { desiredState: 'launched' })).toBe(204);
    await expect.poll(() => fleet.placesOf('two.service'), patience).toHaveLength(1);
    const [name = ''] = await fleet.placesOf('two.service');
    const described = await fleet.script(name, 'systemctl show -P Description two.service');
    expect(described).toBe('new\n');
    await fleet.did('destroy', 'two');
  });

  it('goes by the deprecated spellings of [X-Fleet], with specifiers', async () => {
    const { id } = await fleet.lab.machine('m2');
    const pinned = sleeping('pinned', { 'X-ConditionMachineID': id });
    const beside = sleeping('beside', { 'X-ConditionMachineOf': 'pin@%i.service' });
    const apart = sleeping('apart', { 'X-Conflicts': 'p?n@*.service' });
    for (const [name, options] of [
      ['pin@7.service', pinned],
      ['beside@7.service', beside],
      ['apart.service', apart],
    ] as const) {
      expect(await put(name, { desiredState: 'launched', options })).toBe(201);
    }
    const places = () => Promise.all(['pin@7.service', 'beside@7.service'].map(fleet.placesOf));
    await expect.poll(places, patience).toEqual([['m2'], ['m2']]);
    await expect.poll(() => fleet.placesOf('apart.service'), patience).toHaveLength(1);
    expect(await fleet.placesOf('apart.service')).not.toContain('m2');
    await fleet.did('destroy', 'pin@7', 'beside@7', 'apart');
  });
});

describe('a listing over the API', () => {
  it('is whole and without repeats over pages from different machines', async () => {
    const wanted = Array.from({ length: 5 }, (_none, index) => `row${index}.service`);
    for (const name of wanted) expect(await put(name, { options: sleeping(name) })).toBe(201);
    const seen: string[] = [];
    let token = '';
    for (const via of ['m1', 'm2', 'm3']) {
      const { body } = await ask(`/units?limit=2${token}`, { via });
      const { units, nextPageToken } = body as UnitPageBody;
      seen.push(...units.map(({ name }) => name));
      token = `&nextPageToken=${nextPageToken ?? ''}`;
      expect(nextPageToken === undefined).toBe(via === 'm3');
      if (via === 'm1')
        expect((await ask('/units/row4.service', { method: 'DELETE' })).status).toBe(204);
    }
    expect(seen).toEqual(wanted);
    expect((await ask('/units?nextPageToken=x')).status).toBe(400);
    await fleet.did('destroy', ...wanted.slice(0, 4));
  });
});

describe('what the API refuses', () => {
  const options = sleeping('x');
  it.each<[number, string, Asked]>([
    [400, '/units/x', { method: 'PUT', body: { options } }],
    [400, '/units/x.service', { method: 'PUT', body: { name: 'y.service', options } }],
    [400, '/units/x.service', { method: 'PUT', body: { desiredState: 'flying', options } }],
    [400, '/units/x@.service', { method: 'PUT', body: { desiredState: 'launched', options } }],
    [404, '/units/x.service', {}],
    [404, '/state/x.service', {}],
    [405, '/units/x.service', { method: 'POST', body: {} }],
    [405, '/machines', { method: 'DELETE' }],
    [409, '/units/x.service', { method: 'PUT', body: { desiredState: 'launched' } }],
    [415, '/units/x.service', { method: 'PUT', body: { options }, type: 'text/plain' }],
  ])('is %i for %s %j, with the reason', async (status, path, asked) => {
    expect(await ask(path, asked)).toMatchObject({
      status,
      body: { error: { code: status, message: expect.stringMatching(/./) } },
    });
  });

  const anyId = '0123456789abcdef0123456789abcdef';

  it('a circle of Replaces or MachineOf, and options that exclude each other', async () => {
    expect(await put('a.service', { options: sleeping('a', { Replaces: 'b.service' }) })).toBe(201);
    expect(await put('b.service', { options: sleeping('b', { Replaces: 'a.service' }) })).toBe(400);
    for (const xFleet of [
      { MachineOf: 'c.service' },
      { Global: 'true', MachineOf: 'a.service' },
      { Global: 'true', Replaces: 'a.service' },
      { Conflicts: 'a.service', Replaces: 'd.service' },
      { Conflicts: 'a*', MachineOf: 'a.service' },
      { Replaces: 'a*', MachineOf: 'a.service' },
      { MachineID: anyId, Conflicts: 'a.service' },
      { MachineID: anyId, MachineOf: 'a.service' },
      { MachineID: anyId, Replaces: 'a.service' },
      { MachineID: anyId, Global: 'true' },
    ]) {
      expect(await put('c.service', { options: sleeping('c', xFleet) })).toBe(400);
    }
    await fleet.did('destroy', 'a');
    expect((await fleet.did('list-unit-files', '--no-legend')).trim()).toBe('');
  });
});
