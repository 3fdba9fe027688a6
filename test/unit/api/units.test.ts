import { describe, expect, it } from 'vitest';
import type { UnitBody } from '../../../src/api/schema.ts';
import { type Api, createApi } from '../../../src/api/server.ts';
import { anOption, ask } from '../../builders/api-requests.ts';
import { captureLog } from '../../builders/api-server.ts';
import { FakeCluster, type FakeClusterOptions } from '../../builders/fake-cluster.ts';

const text = '# a comment\n[Service]\nExecStart=/bin/true\n';
const options = [anOption('Service', 'ExecStart', '/bin/true')];

async function setUp(
  more: Partial<FakeClusterOptions> = {},
): Promise<{ readonly cluster: FakeCluster; readonly api: Api }> {
  const cluster = new FakeCluster({ machineCount: 2, ...more });
  await cluster.start();
  const { log } = captureLog();
  return { cluster, api: await createApi({ catalog: cluster.catalog, log, version: '0.1.0' }) };
}

async function unit(api: Api, name: string): Promise<UnitBody> {
  const answer = await ask(api, 'GET', `/units/${name}`);
  expect(answer.status).toBe(200);
  return answer.body as UnitBody;
}

describe('PUT /units/NAME', () => {
  it('answers 201 for a new unit and stores its text byte for byte', async () => {
    const { api } = await setUp();
    expect(
      (await ask(api, 'PUT', '/units/a.service', { desiredState: 'inactive', text })).status,
    ).toBe(201);
    expect(await unit(api, 'a.service')).toMatchObject({
      name: 'a.service',
      text,
      options,
      desiredState: 'inactive',
      currentState: 'inactive',
      global: false,
      placement: null,
      machines: [],
    });
  });

  it('takes options alone, as clients of fleet 1.0 send them, and stores their normal form', async () => {
    const { api } = await setUp();
    const body = { desiredState: 'inactive', options, name: 'a.service', currentState: 'x' };
    expect((await ask(api, 'PUT', '/units/a.service', body)).status).toBe(201);
    expect((await unit(api, 'a.service')).text).toBe('[Service]\nExecStart=/bin/true\n');
  });

  it('makes an inactive unit when no desired state is given', async () => {
    const { api } = await setUp();
    expect((await ask(api, 'PUT', '/units/a.service', { text })).status).toBe(201);
    expect((await unit(api, 'a.service')).desiredState).toBe('inactive');
  });

  it('gives text and options of one unit the same hash, comments or not', async () => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { text });
    await ask(api, 'PUT', '/units/b.service', { options });
    expect((await unit(api, 'a.service')).hash).toBe((await unit(api, 'b.service')).hash);
  });

  it('answers 204 for another desired state, with or without the same content', async () => {
    const { api, cluster } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { text });
    expect((await ask(api, 'PUT', '/units/a.service', { desiredState: 'loaded' })).status).toBe(
      204,
    );
    const same = { desiredState: 'launched', text };
    expect((await ask(api, 'PUT', '/units/a.service', same)).status).toBe(204);
    expect((await ask(api, 'PUT', '/units/a.service', same)).status).toBe(204);
    await cluster.settled();
    expect((await unit(api, 'a.service')).currentState).toBe('launched');
  });

  it('answers 201 for other content and 204 when only a comment changed', async () => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { text });
    const commented = { desiredState: 'inactive', text: `# another\n${text}` };
    expect((await ask(api, 'PUT', '/units/a.service', commented)).status).toBe(204);
    expect((await unit(api, 'a.service')).text).toBe(commented.text);
    const other = { desiredState: 'inactive', text: '[Service]\nExecStart=/bin/false\n' };
    expect((await ask(api, 'PUT', '/units/a.service', other)).status).toBe(201);
  });

  it('answers 409 for an unknown unit without content and for a known one without a state', async () => {
    const { api } = await setUp();
    for (const body of [
      { desiredState: 'launched' },
      { desiredState: 'launched', options: [] },
      {},
    ]) {
      const answer = await ask(api, 'PUT', '/units/a.service', body);
      expect(answer).toMatchObject({ status: 409, body: { error: { code: 409 } } });
    }
    await ask(api, 'PUT', '/units/a.service', { text });
    for (const body of [{}, { text }, { options }]) {
      const answer = await ask(api, 'PUT', '/units/a.service', body);
      expect(answer).toMatchObject({ status: 409 });
      expect(answer.text).toContain('desiredState');
    }
  });

  it('takes other content without a state for a new unit, which is inactive, as fleet 1.0 does', async () => {
    const { api, cluster } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { desiredState: 'launched', text });
    await cluster.settled();
    const other = { name: 'a.service', options: [anOption('Service', 'ExecStart', '/bin/false')] };
    expect((await ask(api, 'PUT', '/units/a.service', other)).status).toBe(201);
    await cluster.settled();
    expect(await unit(api, 'a.service')).toMatchObject({
      options: other.options,
      desiredState: 'inactive',
      currentState: 'inactive',
    });
    expect((await ask(api, 'PUT', '/units/a.service', other)).status).toBe(409);
  });

  it('stores a template but neither loads nor launches it, and names the next step', async () => {
    const { api } = await setUp();
    expect(
      (await ask(api, 'PUT', '/units/a@.service', { desiredState: 'inactive', text })).status,
    ).toBe(201);
    for (const body of [{ desiredState: 'launched' }, { desiredState: 'loaded', text }]) {
      const answer = await ask(api, 'PUT', '/units/a@.service', body);
      expect(answer).toMatchObject({ status: 400 });
      expect(answer.text).toContain('a@1.service');
    }
  });

  it.each([
    ['a name without a type', 'a', { text }, 'no type'],
    ['a name with a slash', 'a%2Fb.service', { text }, 'contains'],
    ['a name that is percent-encoded', 'a%40%20.service', { text }, 'contains'],
    ['a name of systemd', 'poweroff.target', { text }, 'meaning of its own'],
    ['a type that systemd dropped', 'a.snapshot', { text }, 'systemd dropped'],
    ['another name in the body', 'a.service', { name: 'b.service', text }, 'the URL a.service'],
    ['an unknown state', 'a.service', { desiredState: 'flying', text }, 'launched'],
    ['a state of a wrong type', 'a.service', { desiredState: 7, text }, 'desiredState'],
    ['a text of a wrong type', 'a.service', { text: ['x'] }, 'text: must be'],
    ['options of a wrong type', 'a.service', { options: { a: 1 } }, 'options: must be'],
    [
      'one option of a wrong type',
      'a.service',
      { options: [...options, { section: 'Service', name: 'User', value: 0 }] },
      'options[1].value',
    ],
    ['an option that is null', 'a.service', { options: [null] }, 'options[0]'],
    ['a body that is a list', 'a.service', [1], 'JSON object'],
    ['a body that is null', 'a.service', null, 'JSON object'],
    ['a syntax error', 'a.service', { text: '[Service]\nExecStart\n' }, 'a.service:2:1'],
    ['a text without options', 'a.service', { text: '# nothing\n' }, 'no options'],
    ['a NUL in the text', 'a.service', { text: '[A]\nb=\0\n' }, 'NUL'],
    ['half a surrogate pair', 'a.service', { text: '[A]\nb=\ud800\n' }, 'UTF-8'],
    [
      'a refused combination',
      'a.service',
      { text: `${text}[X-Fleet]\nGlobal=true\nMachineOf=b.service\n` },
      'cannot be combined',
    ],
    [
      'options that would not come back',
      'a.service',
      { options: [anOption('Service', 'ExecStart', 'a\nb')] },
      'cannot stand in a unit file',
    ],
    [
      'options that disagree with the text',
      'a.service',
      { text, options: [...options, anOption('Service', 'User', 'x')] },
      'options[1]',
    ],
  ])('answers 400 for %s, and stores nothing', async (_what, name, body, words) => {
    const { api } = await setUp();
    const answer = await ask(api, 'PUT', `/units/${name}`, body);
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 400 } } });
    expect(JSON.stringify(answer.body)).toContain(words);
    expect((await ask(api, 'GET', '/units')).body).toEqual({ units: [] });
  });

  it('takes a text of exactly 64 KiB and answers 413 for one byte more', async () => {
    const { api } = await setUp();
    const full = text + '#'.repeat(64 * 1024 - text.length);
    expect((await ask(api, 'PUT', '/units/a.service', { text: full })).status).toBe(201);
    const answer = await ask(api, 'PUT', '/units/b.service', { text: `${full}#` });
    expect(answer).toMatchObject({ status: 413 });
    expect(answer.text).toContain('65536');
  });

  it('refuses a circle of MachineOf, also one that runs through several units', async () => {
    const { api } = await setUp();
    const on = (target: string) => ({ text: `${text}[X-Fleet]\nMachineOf=${target}\n` });
    expect((await ask(api, 'PUT', '/units/a.service', on('b.service'))).status).toBe(201);
    expect((await ask(api, 'PUT', '/units/b.service', on('c.service'))).status).toBe(201);
    const answer = await ask(api, 'PUT', '/units/c.service', on('a.service'));
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.text).toContain('c.service → a.service → b.service → c.service');
  });

  it('refuses MachineOf of a global unit, which has no machine of its own', async () => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/g.service', { text: `${text}[X-Fleet]\nGlobal=true\n` });
    const body = { text: `${text}[X-Fleet]\nMachineOf=g.service\n` };
    const answer = await ask(api, 'PUT', '/units/a.service', body);
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.text).toContain('global');
  });

  it('refuses a circle of Replaces', async () => {
    const { api } = await setUp();
    const over = (glob: string) => ({ text: `${text}[X-Fleet]\nReplaces=${glob}\n` });
    expect((await ask(api, 'PUT', '/units/a@1.service', over('c.service'))).status).toBe(201);
    expect((await ask(api, 'PUT', '/units/b.service', over('a@1.service'))).status).toBe(201);
    const answer = await ask(api, 'PUT', '/units/a@1.service', {
      desiredState: 'inactive',
      ...over('b.*'),
    });
    expect(answer).toMatchObject({ status: 400 });
    expect(answer.text).toContain('a@1.service → b.service → a@1.service');
  });
});

describe('GET and DELETE /units/NAME', () => {
  it('answers 404 for what is not there, was destroyed, or can be no unit', async () => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { text });
    expect((await ask(api, 'DELETE', '/units/a.service')).status).toBe(204);
    for (const name of ['a.service', 'b.service', 'nonsense', 'x'.repeat(300)]) {
      for (const method of ['GET', 'DELETE'] as const) {
        const answer = await ask(api, method, `/units/${name}`);
        expect(answer).toMatchObject({ status: 404, body: { error: { code: 404 } } });
      }
    }
    expect((await ask(api, 'GET', '/units')).body).toEqual({ units: [] });
  });

  it('takes names as they are: at signs, backslashes, colons', async () => {
    const { api } = await setUp();
    const name = encodeURIComponent('a\\x2d:b@1.service');
    expect((await ask(api, 'PUT', `/units/${name}`, { text })).status).toBe(201);
    expect((await unit(api, name)).name).toBe('a\\x2d:b@1.service');
  });

  it('names the machine, why it is there, and what each machine says', async () => {
    const { api, cluster } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { desiredState: 'launched', text });
    await cluster.settled();
    const body = await unit(api, 'a.service');
    expect(body).toMatchObject({
      machineID: '1'.repeat(32),
      currentState: 'launched',
      placement: { reason: 'least loaded', objections: [] },
      machines: [{ machineID: '1'.repeat(32), currentState: 'launched', active: 'active' }],
    });
  });

  it('says why a unit fits nowhere', async () => {
    const { api, cluster } = await setUp({ machineCount: 1 });
    const apart = `${text}[X-Fleet]\nConflicts=a@*.service\n`;
    for (const name of ['a@1.service', 'a@2.service']) {
      await ask(api, 'PUT', `/units/${name}`, { desiredState: 'launched', text: apart });
    }
    await cluster.settled();
    const body = await unit(api, 'a@2.service');
    expect(body.machineID).toBeUndefined();
    expect(body.placement?.objections).toEqual([
      { why: 'conflicts with a@1.service', count: 1, machines: ['1'.repeat(32)] },
    ]);
  });

  it('calls a global unit launched when any machine launched it, and gives it no machine', async () => {
    const { api, cluster } = await setUp();
    const global = `${text}[X-Fleet]\nGlobal=true\n`;
    await ask(api, 'PUT', '/units/g.service', { desiredState: 'launched', text: global });
    await cluster.settled();
    const body = await unit(api, 'g.service');
    expect(body).toMatchObject({ global: true, currentState: 'launched', placement: null });
    expect(body.machineID).toBeUndefined();
    expect(body.machines).toHaveLength(2);
  });
});

describe('PUT /units/NAME with restart', () => {
  it('counts a restart, launches the unit and keeps its content', async () => {
    const { api, cluster } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { desiredState: 'loaded', text });
    for (const body of [{ restart: true }, { restart: true, desiredState: 'launched' }]) {
      expect((await ask(api, 'PUT', '/units/a.service', body)).status).toBe(204);
    }
    await cluster.settled();
    const after = { desiredState: 'launched', currentState: 'launched', restartCount: 2, text };
    expect(await unit(api, 'a.service')).toMatchObject(after);
  });

  it('does nothing when it is false', async () => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { desiredState: 'launched', text });
    const body = { desiredState: 'launched', restart: false };
    expect((await ask(api, 'PUT', '/units/a.service', body)).status).toBe(204);
    expect((await unit(api, 'a.service')).restartCount).toBe(0);
  });

  it.each([
    ['content', { restart: true, text }, 400, 'without options and text'],
    ['another state', { restart: true, desiredState: 'loaded' }, 400, 'desiredState launched only'],
    ['another type', { restart: 'yes' }, 400, 'restart: must be true or false'],
  ])('refuses %s beside it and restarts nothing', async (_what, body, status, words) => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/a.service', { desiredState: 'launched', text });
    const answer = await ask(api, 'PUT', '/units/a.service', body);
    expect(answer.status).toBe(status);
    expect(JSON.stringify(answer.body)).toContain(words);
    expect((await unit(api, 'a.service')).restartCount).toBe(0);
  });

  it('refuses a template, and a unit that is not there', async () => {
    const { api } = await setUp();
    await ask(api, 'PUT', '/units/a@.service', { text });
    expect((await ask(api, 'PUT', '/units/a@.service', { restart: true })).status).toBe(400);
    expect((await ask(api, 'PUT', '/units/b.service', { restart: true })).status).toBe(404);
  });
});
