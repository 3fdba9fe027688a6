import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Api, createApi, type InjectedRequest } from '../../src/api/server.ts';
import { captureLog } from '../builders/api-server.ts';
import { FakeCluster } from '../builders/fake-cluster.ts';

const text = '[Service]\nExecStart=/bin/true\n';

async function setUp(): Promise<{ readonly api: Api; readonly lines: readonly unknown[] }> {
  const cluster = new FakeCluster({ machineCount: 2 });
  await cluster.start();
  const { log, lines } = captureLog();
  return { api: await createApi({ catalog: cluster.catalog, log, version: '0.1.0' }), lines };
}

const name = fc.oneof(
  fc.constantFrom('a.service', 'a@.service', 'a@1.service', 'b.timer', 'nonsense', ''),
  fc.string().map(encodeURIComponent),
);
const option = fc.oneof(
  fc.record({ section: fc.string(), name: fc.string(), value: fc.string() }),
  fc.record({
    section: fc.constantFrom('Unit', 'Service', 'X-Fleet'),
    name: fc.constantFrom('Description', 'MachineOf', 'Conflicts', 'Replaces', 'Global'),
    value: fc.oneof(fc.string(), fc.constantFrom('a.service', 'a@1.service', '*', 'true', '[a')),
  }),
);
const body = fc.oneof(
  fc.record(
    {
      name: fc.constantFrom('a.service', 'a@1.service'),
      desiredState: fc.constantFrom('inactive', 'loaded', 'launched', 'flying'),
      options: fc.array(option, { maxLength: 5 }),
      text: fc.oneof(fc.string(), fc.constant(text)),
    },
    { requiredKeys: [] },
  ),
  fc.jsonValue(),
);
const request: fc.Arbitrary<InjectedRequest> = fc.oneof(
  fc.record({
    method: fc.constant('PUT' as const),
    url: name.map((unit) => `/fleet/v1/units/${unit}`),
    headers: fc.constantFrom({ 'content-type': 'application/json' }, {}),
    body: fc.oneof(
      body.map((value) => JSON.stringify(value)),
      fc.string(),
    ),
  }),
  fc.record({
    method: fc.constantFrom('GET' as const, 'DELETE' as const, 'POST' as const),
    url: fc.oneof(
      name.map((unit) => `/fleet/v1/units/${unit}`),
      name.map((unit) => `/fleet/v1/state?unitName=${unit}`),
      name.map((token) => `/fleet/v1/units?nextPageToken=${token}`),
      fc.webPath().map((path) => `/fleet/v1${path.startsWith('/') ? path : `/${path}`}`),
      fc.webQueryParameters().map((query) => `/fleet/v1/machines?${query}`),
    ),
  }),
);

describe('whatever is asked', () => {
  it('is answered, never with an error of ours, and every refusal explains itself', async () => {
    const { api, lines } = await setUp();
    await fc.assert(
      fc.asyncProperty(request, async (asked) => {
        const { status, text: answer } = await api.inject(asked);
        expect(status).toBeLessThan(500);
        if (status < 400) return;
        const { error } = JSON.parse(answer) as { error: Record<string, unknown> };
        expect(error).toEqual({
          code: status,
          message: expect.stringMatching(/./),
          hint: expect.stringMatching(/./),
        });
      }),
      { numRuns: 1000 },
    );
    expect(lines).toEqual([]);
  });

  it('as a text comes back byte for byte when it was accepted', async () => {
    const { api } = await setUp();
    const lines = fc.array(
      fc.constantFrom(
        '[Service]',
        'ExecStart=/bin/a',
        '# ü',
        '',
        'a=b\\',
        ' c',
        'Env="x y"',
        '[X]',
      ),
      { maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(lines, fc.constantFrom('\n', '\r\n'), async (parts, end) => {
        const sent = parts.map((part) => part + end).join('');
        const url = '/fleet/v1/units/a.service';
        await api.inject({ method: 'DELETE', url });
        const headers = { 'content-type': 'application/json' };
        const put = await api.inject({
          method: 'PUT',
          url,
          headers,
          body: JSON.stringify({ text: sent }),
        });
        if (put.status !== 201) return;
        const stored = JSON.parse((await api.inject({ method: 'GET', url })).text);
        expect(stored.text).toBe(sent);
      }),
      { numRuns: 200 },
    );
  });
});
