import { connect } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createApi } from '../../../src/api/server.ts';
import { FleetError, type TroubleCode } from '../../../src/lib/error.ts';
import type { Catalog } from '../../../src/model/catalog.ts';
import { ask } from '../../builders/api-requests.ts';
import { captureLog, serveOnSocket } from '../../builders/api-server.ts';
import { FakeCluster } from '../../builders/fake-cluster.ts';

/** A catalog whose every request ends the same way. */
function catalogThat(end: (signal: AbortSignal) => Promise<never>): Catalog {
  return {
    readUnits: (_page, signal) => end(signal),
    readUnit: (_name, signal) => end(signal),
    readUnitsNamed: (_request, signal) => end(signal),
    readReports: (_page, _filter, signal) => end(signal),
    readHeldUnits: (_filter, signal) => end(signal),
    readMachines: (_page, signal) => end(signal),
    submit: (_submission, signal) => end(signal),
    setDesired: (_name, _desired, signal) => end(signal),
    restart: (_name, signal) => end(signal),
    destroy: (_name, signal) => end(signal),
    readOrphans: (signal) => end(signal),
    removeOrphan: (_what, signal) => end(signal),
    changeMetadata: (_changes, signal) => end(signal),
  };
}

function troubled(code: TroubleCode): Catalog {
  const trouble = { code, retry: 'soon', hint: 'do something' } as const;
  return catalogThat(() => Promise.reject(new FleetError('etcd said so', trouble)));
}

const everyRequest = [
  ['GET', '/units', undefined],
  ['GET', '/units?names=a.service', undefined],
  ['GET', '/units/a.service', undefined],
  ['PUT', '/units/a.service', { desiredState: 'inactive' }],
  ['PUT', '/units/a.service', { desiredState: 'inactive', text: '[A]\nb=c\n' }],
  ['PUT', '/units/a.service', { restart: true }],
  ['DELETE', '/units/a.service', undefined],
  ['GET', '/state', undefined],
  ['DELETE', '/orphans/a.service', undefined],
  ['GET', '/state/a.service', undefined],
  ['GET', '/machines', undefined],
  ['PATCH', '/machines', []],
] as const;

describe('a store in trouble', () => {
  it.each([
    ['registry/unavailable', 503],
    ['registry/unknown-outcome', 503],
    ['registry/not-ours', 503],
    ['registry/refused', 503],
    ['registry/conflict', 409],
    ['registry/undecodable', 500],
  ] as const)('%s is answered with %i and its own words', async (code, status) => {
    const { log } = captureLog();
    const api = await createApi({ catalog: troubled(code), log, version: '0.1.0' });
    for (const [method, path, body] of everyRequest) {
      expect(await ask(api, method, path, body)).toMatchObject({
        status,
        body: { error: { code: status, message: 'etcd said so', hint: 'do something' } },
      });
    }
  });

  it('that never answers is answered with 503 in time', async () => {
    const { log } = captureLog();
    const catalog = catalogThat(
      (signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('gave up')));
        }),
    );
    const api = await createApi({ catalog, log, version: '0.1.0', storeWaitMs: 20 });
    for (const [method, path, body] of everyRequest) {
      const answer = await ask(api, method, path, body);
      expect(answer).toMatchObject({ status: 503 });
      expect(answer.text).toContain('did not answer in time');
    }
  });

  it('is not asked any longer by a client that went away', async () => {
    let abortedCount = 0;
    const asked = Promise.withResolvers<void>();
    const left = Promise.withResolvers<void>();
    const catalog = catalogThat(
      (signal) =>
        new Promise((_resolve, reject) => {
          asked.resolve();
          signal.addEventListener('abort', () => {
            abortedCount += 1;
            left.resolve();
            reject(new Error('gave up'));
          });
        }),
    );
    await using server = await serveOnSocket({ catalog, storeWaitMs: 60_000 });
    const socket = connect(server.socketPath);
    socket.write('GET /fleet/v1/units HTTP/1.1\r\nhost: x\r\n\r\n');
    await asked.promise;
    socket.destroy();
    await left.promise;
    expect(abortedCount).toBe(1);
  });
});

describe('a store that refuses everything', () => {
  it('does not make the page token the culprit', async () => {
    const error = new FleetError('no permission', {
      code: 'registry/refused',
      retry: 'never',
      hint: 'check the password',
    });
    const { log } = captureLog();
    const catalog = catalogThat(() => Promise.reject(error));
    const api = await createApi({ catalog, log, version: '0.1.0' });
    const parts = JSON.stringify([1, 'units', '5', 'a', 9]);
    const token = Buffer.from(parts).toString('base64url');
    expect((await ask(api, 'GET', `/units?nextPageToken=${token}`)).status).toBe(503);
  });
});

describe('a defect of our own', () => {
  it('is answered with 500 that explains itself, without a stack, and is logged', async () => {
    const { log, lines } = captureLog();
    const catalog = catalogThat(() => Promise.reject(new TypeError('x is not a function')));
    const api = await createApi({ catalog, log, version: '0.1.0' });
    const answer = await ask(api, 'GET', '/units');
    expect(answer.status).toBe(500);
    expect(answer.text).toContain('x is not a function');
    expect(answer.text).not.toContain('.ts:');
    expect(lines).toMatchObject([{ level: 'error', message: 'failed on a request' }]);
  });
});

describe('a request that fits no route', () => {
  it.each([
    ['POST', '/fleet/v1/units', 405],
    ['DELETE', '/fleet/v1/units', 405],
    ['POST', '/fleet/v1/units/a.service', 405],
    ['PATCH', '/fleet/v1/units/a.service', 405],
    ['PUT', '/fleet/v1/state', 405],
    ['DELETE', '/fleet/v1/state/a.service', 405],
    ['OPTIONS', '/fleet/v1/machines?limit=1', 405],
    ['GET', '/', 404],
    ['GET', '/fleet/v1', 404],
    ['GET', '/fleet/v1/units/a/b', 404],
    ['GET', '/fleet/v2/units', 404],
    ['PUT', '/nowhere', 404],
    ['GET', '/fleet/v1/units/%zz', 400],
    ['GET', `/fleet/v1/units/${'a'.repeat(2000)}`, 414],
  ] as const)('%s %s is answered with %i', async (method, url, status) => {
    const cluster = new FakeCluster({ machineCount: 0 });
    const { log, lines } = captureLog();
    const api = await createApi({ catalog: cluster.catalog, log, version: '0.1.0' });
    const answer = await api.inject({ method, url });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({ error: { code: status } });
    expect(answer.headers['allow'] !== undefined).toBe(status === 405);
    expect(lines).toEqual([]);
  });
});

describe('a body that is not JSON', () => {
  it.each([
    ['without a content type', {}, '{"desiredState":"inactive"}', 415],
    ['declared as text', { 'content-type': 'text/plain' }, '{}', 415],
    ['declared as a form', { 'content-type': 'application/x-www-form-urlencoded' }, 'a=b', 415],
    ['with a type nobody can read', { 'content-type': ';;' }, '{}', 415],
    ['cut short', { 'content-type': 'application/json' }, '{"desiredState":', 400],
    ['empty', { 'content-type': 'application/json' }, '', 400],
    ['too large', { 'content-type': 'application/json' }, `"${'a'.repeat(300_000)}"`, 413],
  ] as const)('%s is refused', async (_what, headers, body, status) => {
    const cluster = new FakeCluster({ machineCount: 0 });
    const { log, lines } = captureLog();
    const api = await createApi({ catalog: cluster.catalog, log, version: '0.1.0' });
    const url = '/fleet/v1/units/a.service';
    const answer = await api.inject({ method: 'PUT', url, headers, body });
    expect(answer.status).toBe(status);
    expect(JSON.parse(answer.text)).toMatchObject({
      error: { code: status, message: expect.any(String), hint: expect.any(String) },
    });
    expect(lines).toEqual([]);
  });

  it('in bytes that are not UTF-8 is refused with 400', async () => {
    const cluster = new FakeCluster({ machineCount: 0 });
    await using server = await serveOnSocket({ catalog: cluster.catalog });
    const head = 'PUT /fleet/v1/units/a.service HTTP/1.1\r\nhost: x\r\nconnection: close\r\n';
    const type = 'content-type: application/json; charset=utf-8\r\ncontent-length: 4\r\n\r\n';
    const socket = connect(server.socketPath);
    socket.write(Buffer.concat([Buffer.from(head + type), Buffer.from([0x22, 0xff, 0xfe, 0x22])]));
    let answer = '';
    for await (const part of socket) answer += String(part);
    expect(answer).toContain('HTTP/1.1 400');
    expect(answer).toContain('not UTF-8');
  });

  it('is no matter for a DELETE that has none but a content type', async () => {
    const cluster = new FakeCluster({ machineCount: 0 });
    const { log } = captureLog();
    const api = await createApi({ catalog: cluster.catalog, log, version: '0.1.0' });
    const headers = { 'content-type': 'application/json' };
    const url = '/fleet/v1/units/a.service';
    expect((await api.inject({ method: 'DELETE', url, headers })).status).toBe(404);
  });

  it('may name fields that mean something to JavaScript', async () => {
    const cluster = new FakeCluster({ machineCount: 0 });
    const { log } = captureLog();
    const api = await createApi({ catalog: cluster.catalog, log, version: '0.1.0' });
    const body = '{"__proto__":{"text":7},"constructor":1,"text":"[A]\\nb=c\\n"}';
    const headers = { 'content-type': 'application/json' };
    const url = '/fleet/v1/units/a.service';
    expect((await api.inject({ method: 'PUT', url, headers, body })).status).toBe(201);
  });
});

describe('an API that is closed', () => {
  it('answers with 503, so that clients try another machine', async () => {
    const cluster = new FakeCluster({ machineCount: 0 });
    await using server = await serveOnSocket({ catalog: cluster.catalog });
    await server.api.close();
    const socket = connect(server.socketPath);
    socket.write('GET /fleet/v1/units HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    let answer = '';
    for await (const part of socket) answer += String(part);
    expect(answer).toContain('HTTP/1.1 503');
  });
});
