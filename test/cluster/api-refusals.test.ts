// What API v1 answers when it does not do what it was asked for, the walk over its pages while
// everything changes, and what its discovery document promises.
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ports } from '../../src/lab/names.ts';
import { patience, placed, sleeper, withFleet } from './with-fleet.ts';

const fleet = withFleet();
const names = ['m1', 'm2', 'm3'] as const;
const text = sleeper();

interface Asked {
  readonly method?: string;
  /** Sent as JSON, or as it is when it is a text. */
  readonly body?: unknown;
  readonly type?: string | null;
  readonly via?: string;
}

interface Answer {
  readonly status: number;
  readonly allow: string | null;
  readonly body: unknown;
}

async function ask(path: string, asked: Asked = {}): Promise<Answer> {
  const { address } = await fleet.lab.machine(asked.via ?? 'm1');
  const { method = 'GET', body, type = 'application/json' } = asked;
  const answer = await fetch(`http://${address}:${ports.fleetd}${path}`, {
    method,
    ...(body !== undefined && {
      body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
      headers: type === null ? {} : { 'content-type': type },
    }),
  });
  const said = await answer.text();
  return {
    status: answer.status,
    allow: answer.headers.get('allow'),
    body: said === '' ? null : (JSON.parse(said) as unknown),
  };
}

const unitsPath = '/fleet/v1/units';
const put = (body: unknown, more: Partial<Asked> = {}): Asked => ({ method: 'PUT', body, ...more });
const patch = (...body: readonly unknown[]): Asked => ({ method: 'PATCH', body });
const id = '0123456789abcdef0123456789abcdef';
const toKey = `/${id}/metadata/key`;

describe('a refusal', () => {
  it.each<[number, RegExp, string, Asked]>([
    [400, /is not JSON/, `${unitsPath}/x.service`, put('{"text":')],
    [400, /must be a JSON object/, `${unitsPath}/x.service`, put([])],
    [
      400,
      /options\[0\]\.value/,
      `${unitsPath}/x.service`,
      put({ options: [{ section: 'A', name: 'b', value: 1 }] }),
    ],
    [400, /\btext\b/, `${unitsPath}/x.service`, put({ text: 1 })],
    [400, /x\.service:3:1/, `${unitsPath}/x.service`, put({ text: `${text}junk\n` })],
    [400, /contains " "/, `${unitsPath}/a%20b.service`, put({ text })],
    [400, /type/, `${unitsPath}/x.servcie`, put({ text })],
    [400, /type/, `${unitsPath}/x`, put({ text })],
    [400, /dropped/, `${unitsPath}/x.snapshot`, put({ text })],
    [400, /of fleet itself/, `${unitsPath}/fleet.service`, put({ text })],
    [400, /limit=/, `${unitsPath}?limit=0`, {}],
    [400, /limit=/, `${unitsPath}?limit=many`, {}],
    [400, /more than once/, `${unitsPath}?limit=1&limit=2`, {}],
    [400, /token/, '/fleet/v1/state?nextPageToken=AAAA', {}],
    [400, /must be a list/, '/fleet/v1/machines', { method: 'PATCH', body: {} }],
    [
      400,
      /\[0\].*none of add/,
      '/fleet/v1/machines',
      patch({ op: 'move', path: toKey, value: 'x' }),
    ],
    [
      400,
      /\[1\]\.path/,
      '/fleet/v1/machines',
      patch({ op: 'remove', path: toKey }, { op: 'remove', path: '/x' }),
    ],
    [400, /\[0\].*value/, '/fleet/v1/machines', patch({ op: 'add', path: toKey })],
    [404, /nothing is served at/, '/fleet/v2/units', {}],
    [404, /there is no unit/, `${unitsPath}/x.service`, { method: 'DELETE' }],
    [413, /body is over \d+ bytes/, `${unitsPath}/x.service`, put({ text: 'x'.repeat(300_000) })],
    [
      413,
      /66045 bytes and a unit file may have 65536/,
      `${unitsPath}/x.service`,
      put({ text: `${text}#${'x'.repeat(66_000)}` }),
    ],
    [414, /too long/, `${unitsPath}/${'x'.repeat(2_000)}.service`, {}],
    [415, /not declared as JSON/, `${unitsPath}/x.service`, put({ text }, { type: 'text/plain' })],
    [415, /does not say/, `${unitsPath}/x.service`, put({ text }, { type: null })],
  ])('is %i and says %s', async (status, words, path, asked) => {
    for (const via of names) {
      const { status: answered, body } = await ask(path, { ...asked, via });
      const error = {
        code: status,
        message: expect.stringMatching(words),
        hint: expect.any(String),
      };
      expect({ answered, body }).toEqual({ answered: status, body: { error } });
    }
    expect((await ask(unitsPath)).body).toEqual({ units: [] });
  });

  it('405 names the methods that go', async () => {
    for (const [path, method, allow] of [
      [unitsPath, 'POST', 'GET, HEAD'],
      [`${unitsPath}/x.service`, 'PATCH', 'GET, HEAD, PUT, DELETE'],
      ['/fleet/v1/machines', 'PUT', 'GET, HEAD, PATCH'],
      ['/fleet/v1/state', 'DELETE', 'GET, HEAD'],
      ['/fleet/v1/discovery', 'POST', 'GET, HEAD'],
      ['/metrics', 'POST', 'GET, HEAD'],
    ] as const) {
      expect(await ask(path, { method })).toMatchObject({ status: 405, allow });
    }
  });

  it('of bytes that are no text, or no HTTP, leaves the daemon as it was', async () => {
    const { address } = await fleet.lab.machine('m1');
    const noise = await fetch(`http://${address}:${ports.fleetd}${unitsPath}/x.service`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: randomBytes(10_000),
    });
    expect(noise.status).toBe(400);
    await noise.body?.cancel();
    const line = `head -c 4000 /dev/urandom >/dev/tcp/${address}/${ports.fleetd}`;
    await fleet.lab.exec('m2', ['bash', '-c', line]);
    expect((await ask(unitsPath)).status).toBe(200);
    expect(await fleet.script('m1', 'systemctl show -P NRestarts fleet')).toBe('0\n');
  });
});

describe('a walk over pages', () => {
  interface Page {
    readonly units?: readonly { readonly name: string }[];
    readonly states?: readonly { readonly name: string }[];
    readonly machines?: readonly { readonly id: string }[];
    readonly nextPageToken?: string;
  }

  /** Walks by pages of one, from machine to machine; `between` is done after each page. */
  async function walk(path: string, between: () => Promise<void>): Promise<readonly string[]> {
    const seen: string[] = [];
    for (let token: string | null = ''; token !== null; ) {
      const via = names[seen.length % names.length] ?? 'm1';
      const query = `limit=1${token === '' ? '' : `&nextPageToken=${encodeURIComponent(token)}`}`;
      const { status, body } = await ask(`${path}?${query}`, { via });
      expect({ status, body }).toMatchObject({ status: 200 });
      const page = body as Page;
      seen.push(...(page.units ?? page.states ?? []).map(({ name }) => name));
      seen.push(...(page.machines ?? []).map((machine) => machine.id));
      token = page.nextPageToken ?? null;
      await between();
    }
    return seen;
  }

  it('neither skips nor repeats a unit, a state or a machine, whatever changes meanwhile', async () => {
    const files = ['b', 'd', 'f', 'h'].map((name) => fleet.file(`${name}.service`, text));
    await fleet.did('start', '--wait', ...files);
    const rows = async (): Promise<number> =>
      ((await ask('/fleet/v1/state')).body as Page).states?.length ?? 0;
    await expect.poll(rows, patience).toBe(4);
    let count = 0;
    const change = async (): Promise<void> => {
      count += 1;
      // Before, between and after what the walk has seen so far.
      const name = `${'aceg'[count % 4]}${count}.service`;
      const made = await ask(`${unitsPath}/${name}`, put({ text, desiredState: 'launched' }));
      const gone = count === 2 ? await ask(`${unitsPath}/h.service`, { method: 'DELETE' }) : null;
      expect([made.status, gone?.status ?? 204]).toEqual([201, 204]);
    };
    const wanted = ['b.service', 'd.service', 'f.service', 'h.service'];
    expect(await walk(unitsPath, change)).toEqual(wanted);
    const listed = async () =>
      (await fleet.did('list-units', '--no-legend', '--fields', 'unit')).trim();
    await expect.poll(async () => (await listed()).split('\n').length, patience).toBe(7);
    const before = (await listed()).split('\n');
    expect((await walk('/fleet/v1/state', change)).toSorted()).toEqual(before);
    const ids = (await fleet.lab.status()).machines.map((machine) => machine.id).sort();
    expect(await walk('/fleet/v1/machines', change)).toEqual(ids);
  });

  it('is refused with 410 once etcd has forgotten its moment, and another listing with 400', async () => {
    const first = (await ask(`${unitsPath}?limit=1`)).body as Page;
    const token = encodeURIComponent(first.nextPageToken ?? '');
    expect((await ask(`/fleet/v1/state?nextPageToken=${token}`)).status).toBe(400);
    await ask(`${unitsPath}/later.service`, put({ text }));
    const compact =
      'revision=$(ETCDCTL_API=3 etcdctl -w json endpoint status | grep -o \'"revision":[0-9]*\' | ' +
      'head -n 1 | cut -d: -f2); ETCDCTL_API=3 etcdctl compact "$revision"';
    await fleet.script('m1', compact);
    expect(await ask(`${unitsPath}?nextPageToken=${token}`)).toMatchObject({
      status: 410,
      body: { error: { code: 410, hint: expect.stringContaining('start again') } },
    });
    expect((await fleet.did('list-unit-files', '--no-legend')).split('\n').length).toBeGreaterThan(
      5,
    );
  });
});

describe('what the API shows', () => {
  it('is told by its discovery document: every path there is served', async () => {
    const { address } = await fleet.lab.machine('m1');
    const { body } = await ask('/fleet/v1/discovery');
    interface Method {
      readonly httpMethod: string;
      readonly path: string;
    }
    const { baseUrl, resources } = body as {
      readonly baseUrl: string;
      readonly resources: Readonly<Record<string, { readonly methods: Record<string, Method> }>>;
    };
    expect(baseUrl).toBe(`http://${address}:${ports.fleetd}/fleet/v1/`);
    const methods = Object.entries(resources).flatMap(([resource, { methods: its }]) =>
      Object.entries(its).map(([name, method]) => [`${resource}.${name}`, method] as const),
    );
    expect(methods.map(([name]) => name).sort()).toEqual([
      ...['Brake.Delete', 'Machines.List', 'Members.Delete', 'Members.List', 'Notices.List'],
      ...['UnitState.Get', 'UnitState.List'],
      ...['Units.Delete', 'Units.Get', 'Units.List', 'Units.Set'],
    ]);
    const statuses: Record<string, number> = {};
    const nobody = 'f'.repeat(32);
    const isLast = ([name]: readonly [string, Method]): number => Number(name === 'Units.Delete');
    const inOrder = methods.toSorted((left, right) => isLast(left) - isLast(right));
    for (const [name, { httpMethod, path }] of inOrder) {
      const filled = path.replace('{unitName}', 'b.service').replace('{machineID}', nobody);
      const url = `${baseUrl}${filled}`;
      const answer = await fetch(url, {
        method: httpMethod,
        ...(httpMethod === 'PUT' && {
          body: '{"desiredState":"launched"}',
          headers: { 'content-type': 'application/json' },
        }),
      });
      await answer.body?.cancel();
      statuses[name] = answer.status;
    }
    expect(statuses).toEqual({
      ...{ 'Machines.List': 200, 'Units.List': 200, 'UnitState.List': 200 },
      ...{ 'Units.Get': 200, 'UnitState.Get': 200, 'Units.Set': 204, 'Units.Delete': 204 },
      ...{ 'Notices.List': 200, 'Members.List': 200, 'Members.Delete': 404, 'Brake.Delete': 404 },
    });
  });

  it('is told by its discovery document as fleet 1.0 told it', async () => {
    const { body } = await ask('/fleet/v1/discovery');
    expect(body).toMatchObject({
      ...{ kind: 'discovery#restDescription', version: 'v1', id: 'fleet:v1', protocol: 'rest' },
      ...{ basePath: '/fleet/v1/', servicePath: 'fleet/v1/' },
      schemas: schemasOfFleet1(),
      resources: resourcesOfFleet1(),
    });
  });

  it('has SHA-1 of the options in their normal form as hash, and the text byte for byte', async () => {
    const given = '# ours\n\n[Service]\nExecStart=/bin/true\n;x\n[Unit]\nDescription = a  b \n';
    expect((await ask(`${unitsPath}/hashed.service`, put({ text: given }))).status).toBe(201);
    const normal = '[Service]\nExecStart=/bin/true\n\n[Unit]\nDescription=a  b\n';
    const hash = createHash('sha1').update(normal).digest('hex');
    expect((await ask(`${unitsPath}/hashed.service`)).body).toMatchObject({ hash, text: given });
    expect((await ask(`${unitsPath}?brief=true&limit=1000`)).body).toMatchObject({
      units: expect.arrayContaining([
        expect.objectContaining({ name: 'hashed.service', text: '', options: [] }),
      ]),
    });
  });

  it('goes by X-ConditionMachineMetadata and X-ConditionMachineBootID as well', async () => {
    const { id: m3 } = await fleet.lab.machine('m3');
    const set = { op: 'add', path: `/${m3}/metadata/kind`, value: 'old' };
    expect((await ask('/fleet/v1/machines', patch(set))).status).toBe(204);
    for (const [name, option] of [
      ['old-metadata', 'X-ConditionMachineMetadata=kind=old'],
      ['old-boot', `X-ConditionMachineBootID=${m3}`],
    ] as const) {
      await fleet.did('start', '--wait', fleet.file(`${name}.service`, placed(option)));
      expect(await fleet.placesOf(`${name}.service`)).toEqual(['m3']);
    }
  });
});

/** The types of each field, by schema; an array names what it is of. */
function schemasOfFleet1(): object {
  const types = {
    Machine: { id: 'string', primaryIP: 'string', metadata: 'object' },
    MachinePage: { machines: ['Machine'], nextPageToken: 'string' },
    UnitOption: { section: 'string', name: 'string', value: 'string' },
    Unit: {
      ...{ name: 'string', options: ['UnitOption'], machineID: 'string' },
      ...{ desiredState: 'string', currentState: 'string' },
    },
    UnitPage: { units: ['Unit'], nextPageToken: 'string' },
    UnitState: {
      ...{ name: 'string', hash: 'string', machineID: 'string' },
      ...{ systemdLoadState: 'string', systemdActiveState: 'string', systemdSubState: 'string' },
    },
    UnitStatePage: { states: ['UnitState'], nextPageToken: 'string' },
  };
  const field = (type: string | readonly string[]) =>
    typeof type === 'string' ? { type } : { type: 'array', items: { $ref: type[0] } };
  const schema = ([id, fields]: readonly [string, Record<string, string | readonly string[]>]) => {
    const properties = Object.entries(fields).map(([name, type]) => [name, field(type)]);
    return [id, { id, type: 'object', properties: Object.fromEntries(properties) }];
  };
  return Object.fromEntries(Object.entries(types).map(schema));
}

function resourcesOfFleet1(): object {
  const inQuery = { type: 'string', location: 'query' };
  const unitName = { type: 'string', location: 'path', required: true };
  const list = (id: string, path: string, $ref: string, more: object = {}) => ({
    ...{ id: `fleet.${id}.List`, httpMethod: 'GET', path, response: { $ref } },
    parameters: { nextPageToken: inQuery, ...more },
  });
  const one = (id: string, httpMethod: string, path: string, more: object) => ({
    ...{ id: `fleet.${id}`, httpMethod, path: `${path}/{unitName}`, ...more },
    ...{ parameters: { unitName }, parameterOrder: ['unitName'] },
  });
  const unit = { $ref: 'Unit' };
  return {
    Machines: { methods: { List: list('Machine', 'machines', 'MachinePage') } },
    Units: {
      methods: {
        List: list('Unit', 'units', 'UnitPage'),
        Get: one('Unit.Get', 'GET', 'units', { response: unit }),
        Delete: one('Unit.Delete', 'DELETE', 'units', {}),
        Set: one('Unit.Set', 'PUT', 'units', { request: unit }),
      },
    },
    UnitState: {
      methods: {
        Get: one('UnitState.Get', 'GET', 'state', { response: { $ref: 'UnitState' } }),
        List: list('UnitState', 'state', 'UnitStatePage', {
          ...{ unitName: inQuery, machineID: inQuery },
        }),
      },
    },
  };
}

describe('a unit file', () => {
  it('with several mistakes is told all of them, each with its line, and what is unknown', async () => {
    const wrong = `${text}no option\n[X-Fleet]\nGlobal=perhaps\nMachineMetadata=ssd\n[Unit\n`;
    const bad = await fleet.fleetctl(['submit', fleet.file('bad.service', wrong)]);
    expect([bad.status, bad.stdout]).toEqual([1, '']);
    expect(bad.stderr).toMatch(/bad\.service:3:[\s\S]*bad\.service:7:/);
    const options = `${text}[X-Fleet]\nGlobal=perhaps\nMachineMetadata=ssd\n`;
    const worse = await fleet.fleetctl(['submit', fleet.file('bad.service', options)]);
    expect(worse.stderr).toMatch(/bad\.service:4:[\s\S]*bad\.service:5:/);
    const typo = `${text}[X-Fleet]\nConflict=a.service\nMachineMeta=a=b\n`;
    const warned = await fleet.fleetctl(['submit', fleet.file('typo.service', typo)]);
    expect([warned.status, warned.stdout]).toEqual([0, 'Unit typo.service inactive\n']);
    expect(warned.stderr).toMatch(/Conflict\b[\s\S]*MachineMeta\b/);
  });
});
