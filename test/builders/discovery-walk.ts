import { expect } from 'vitest';
import type { GeneratedClient, Method, Reply, Value } from './discovery-client.ts';

/** A method of a client; every one that a walk looks up was called. */
export function methodOf(client: GeneratedClient, resource: string, name: string): Method {
  const method = client[resource]?.[name];
  if (method === undefined) throw new Error(`the document has no ${resource}.${name}`);
  return method;
}

/** Every item of a listing, by its pages. */
export async function allOf(
  list: Method,
  items: string,
  parameters: Readonly<Record<string, string>> = {},
): Promise<readonly Readonly<Record<string, Value>>[]> {
  const found: Readonly<Record<string, Value>>[] = [];
  let token: Value | undefined;
  do {
    const next = typeof token === 'string' ? { nextPageToken: token } : {};
    const { body } = await list({ ...parameters, ...next });
    const page = body as Readonly<Record<string, Value>>;
    found.push(...((page[items] ?? []) as readonly Readonly<Record<string, Value>>[]));
    token = page['nextPageToken'];
  } while (token !== undefined);
  return found;
}

const options = [{ section: 'Service', name: 'ExecStart', value: '/bin/sleep infinity' }];

/**
 * Calls every method of the document, well and badly, and leaves nothing behind. `reached` waits
 * until a unit is as far as it is wanted; where nobody obeys, it waits for nothing.
 */
export async function walkTheApi(
  client: GeneratedClient,
  reached: (name: string, look: () => Promise<Reply>) => Promise<void>,
): Promise<void> {
  const called = new Set<string>();
  const use = (resource: string, name: string): Method => {
    called.add(`${resource}.${name}`);
    return methodOf(client, resource, name);
  };
  const [set, get, list] = [use('Units', 'Set'), use('Units', 'Get'), use('Units', 'List')];
  const [remove, machines] = [use('Units', 'Delete'), use('Machines', 'List')];
  const [state, states] = [use('UnitState', 'Get'), use('UnitState', 'List')];
  const names = [1, 2, 3].map((number) => `made@${number}.service`);
  for (const unitName of names) {
    const body = { name: unitName, desiredState: 'launched', options, machineID: '' };
    expect(await set({ unitName }, body)).toMatchObject({ status: 201 });
    await reached(unitName, () => get({ unitName }));
  }
  const [unitName = ''] = names;
  expect((await get({ unitName })).body).toMatchObject({ name: unitName, options });
  expect((await allOf(list, 'units')).map((unit) => unit['name'])).toEqual(names);
  expect(await set({ unitName }, { desiredState: 'loaded' })).toMatchObject({ status: 204 });
  await reached(unitName, () => get({ unitName }));
  const known = (await allOf(machines, 'machines')).map(({ id }) => id);
  const rows = await allOf(states, 'states', { unitName });
  for (const row of rows) expect(known).toContain(row['machineID']);
  const one = await state({ unitName });
  if (rows.length === 0) expect(one).toMatchObject({ status: 404 });
  else expect(one.body).toEqual(rows[0]);
  const [machineID = ''] = known;
  const there = await allOf(states, 'states', { machineID: String(machineID) });
  expect(there.every((row) => row['machineID'] === machineID)).toBe(true);
  expect(await set({ unitName: 'none.service' }, { desiredState: 'loaded' })).toMatchObject({
    status: 409,
    error: expect.stringMatching(/./),
  });
  expect(await list({ nextPageToken: 'not one' })).toMatchObject({ status: 400 });
  for (const name of names) expect(await remove({ unitName: name })).toMatchObject({ status: 204 });
  expect(await get({ unitName })).toMatchObject({ status: 404 });
  await walkTheOperators(use, String(machineID));
  const all = Object.entries(client).flatMap(([resource, methods]) =>
    Object.keys(methods).map((name) => `${resource}.${name}`),
  );
  expect([...called].sort()).toEqual(all.sort());
}

/** What fleet 1.0 had not: nobody is away, so there is nothing to forget and nothing held back. */
async function walkTheOperators(
  use: (resource: string, name: string) => Method,
  machineID: string,
): Promise<void> {
  const members = await allOf(use('Members', 'List'), 'members');
  const [forget, resume] = [use('Members', 'Delete'), use('Brake', 'Delete')];
  if (machineID !== '') {
    expect(members).toContainEqual(expect.objectContaining({ id: machineID, present: true }));
    expect(await forget({ machineID })).toMatchObject({ status: 409 });
  }
  expect(await forget({ machineID: 'f'.repeat(32) })).toMatchObject({ status: 404 });
  expect(await resume()).toMatchObject({ status: 404, error: expect.stringContaining('brake') });
  expect((await use('Notices', 'List')()).body).toEqual({ notices: [] });
}
