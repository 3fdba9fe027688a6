import { Agent, request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { serveOnSocket } from '../builders/api-server.ts';
import { FakeCluster, machineId } from '../builders/fake-cluster.ts';

/** One request as it goes over the wire. */
interface Shot {
  readonly method: string;
  /** `TOKEN` stands for a page token that was handed out before. */
  readonly path: string;
  readonly type: string | null;
  readonly body: string | null;
  /** The client goes away without waiting for the answer. */
  readonly isAbandoned: boolean;
}

function mostly<T, U>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<U>): fc.Arbitrary<T | U> {
  return fc.oneof({ weight: 6, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

const unitName = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom('a.service', 'b@1.service', 'b@.service', 'c.timer') },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }).map(encodeURIComponent) },
  { weight: 1, arbitrary: fc.constantFrom('%', '%2e%2e', '..', 'a%00.service', '%ff.service') },
);
const option = mostly(
  fc.record({
    section: fc.constantFrom('Unit', 'Service', 'X-Fleet'),
    name: fc.constantFrom('ExecStart', 'MachineOf', 'Conflicts', 'Replaces', 'Global', 'After'),
    value: fc.constantFrom('a.service', 'b@1.service', '*', 'true', '/bin/true', '[', '%i', ''),
  }),
  fc.oneof(
    fc.record({ section: fc.string(), name: fc.string(), value: fc.string() }),
    fc.jsonValue(),
  ),
);
const putBody = fc.record(
  {
    name: fc.oneof(fc.constant(''), unitName, fc.jsonValue()),
    desiredState: mostly(fc.constantFrom('inactive', 'loaded', 'launched'), fc.jsonValue()),
    options: mostly(fc.array(option, { maxLength: 3 }), fc.jsonValue()),
    text: mostly(
      fc.constant('[Service]\nExecStart=/bin/true\n'),
      fc.oneof(fc.string(), fc.jsonValue()),
    ),
  },
  { requiredKeys: [] },
);
const operation = mostly(
  fc.record(
    {
      op: mostly(fc.constantFrom('add', 'remove', 'replace'), fc.jsonValue()),
      path: mostly(
        fc.constantFrom(`/${machineId(1)}/metadata/rack`, `/${machineId(7)}/metadata/a.b_c-d`),
        fc.oneof(
          fc.string().map((key) => `/${machineId(2)}/metadata/${key}`),
          fc.jsonValue(),
        ),
      ),
      value: mostly(fc.string({ minLength: 1 }), fc.record({ value: fc.string() })),
    },
    { requiredKeys: ['op', 'path'] },
  ),
  fc.jsonValue(),
);
const patchBody = mostly(
  fc.array(operation, { maxLength: 3 }),
  fc.oneof(fc.array(operation, { maxLength: 120 }), fc.jsonValue()),
);

const pageQuery = fc
  .record(
    {
      nextPageToken: fc.oneof(
        { weight: 3, arbitrary: fc.constant('TOKEN') },
        { weight: 1, arbitrary: fc.string().map(encodeURIComponent) },
        { weight: 1, arbitrary: fc.base64String() },
        {
          weight: 1,
          arbitrary: fc.jsonValue().map((value) => encoded([1, 'units', '5', value, 3])),
        },
        {
          weight: 1,
          arbitrary: fc
            .bigInt({ min: 0n, max: 2n ** 64n })
            .map((revision) => encoded([1, 'units', String(revision), 'a', 3])),
        },
      ),
      limit: fc.oneof(fc.integer().map(String), fc.string().map(encodeURIComponent)),
      machineID: fc.oneof(fc.constant(machineId(1)), fc.string().map(encodeURIComponent)),
      unitName,
    },
    { requiredKeys: [] },
  )
  .map((parameters) =>
    Object.entries(parameters)
      .map(([name, value]) => `${name}=${value}`)
      .join('&'),
  );

function encoded(parts: readonly unknown[]): string {
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

const path = fc.oneof(
  fc
    .tuple(fc.constantFrom('units', 'state', 'machines'), pageQuery)
    .map((parts) => parts.join('?')),
  fc.tuple(fc.constantFrom('units', 'state'), unitName).map((parts) => parts.join('/')),
  fc.constantFrom('discovery', '', 'units/', 'units//', 'nothing', 'units/a.service/x'),
);
const jsonType = fc.constantFrom('application/json', 'application/json-patch+json');
const wildType = fc.constantFrom(
  null,
  'text/plain',
  'application/json; charset=latin1',
  ';',
  'x/y',
);

const meant: fc.Arbitrary<Omit<Shot, 'isAbandoned'>> = fc.oneof(
  fc.record({
    method: fc.constant('PUT'),
    path: unitName.map((name) => `units/${name}`),
    type: jsonType,
    body: putBody.map((body) => JSON.stringify(body)),
  }),
  fc.record({
    method: fc.constant('PATCH'),
    path: fc.constant('machines'),
    type: jsonType,
    body: patchBody.map((body) => JSON.stringify(body)),
  }),
  fc.record({
    method: fc.constantFrom('GET', 'GET', 'GET', 'DELETE', 'HEAD'),
    path,
    type: fc.constant(null),
    body: fc.constant(null),
  }),
);
const wild: fc.Arbitrary<Omit<Shot, 'isAbandoned'>> = fc.record({
  method: fc.constantFrom('GET', 'PUT', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'),
  path,
  type: fc.oneof(jsonType, wildType),
  body: fc.oneof(
    fc.constant(null),
    fc.string(),
    fc.string().map((text) => JSON.stringify(text)),
  ),
});
const shot: fc.Arbitrary<Shot> = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: meant }, { weight: 1, arbitrary: wild }),
    fc.integer({ min: 0, max: 9 }),
  )
  .map(([what, dice]) => ({ ...what, isAbandoned: dice === 0 }));

interface Answered {
  readonly status: number;
  readonly text: string;
}

/** Sends one request; null when it was abandoned, or refused before it was read. */
function fire(socketPath: string, agent: Agent, sent: Shot): Promise<Answered | null> {
  return new Promise((resolve) => {
    const { method, path: below, type, body, isAbandoned } = sent;
    const headers = {
      ...(type === null ? {} : { 'content-type': type }),
      ...(body === null ? {} : { 'content-length': Buffer.byteLength(body) }),
    };
    const options = { socketPath, agent, method, path: `/fleet/v1/${below}`, headers };
    const client = httpRequest(options, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.once('end', () => {
        resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString() });
      });
      answer.once('error', () => resolve(null));
    });
    client.once('error', () => resolve(null));
    if (body !== null) client.write(body);
    client.end();
    if (isAbandoned) setImmediate(() => client.destroy());
  });
}

describe('requests that follow the schema, nearly follow it, or do not at all', () => {
  it('never break the API, and leave nothing behind', async () => {
    const cluster = new FakeCluster({ machineCount: 3 });
    await cluster.start();
    await using server = await serveOnSocket({ catalog: cluster.catalog });
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    const watchCount = () => cluster.store.counts().get('watch')?.sentCount ?? 0;
    const watchesBefore = watchCount();
    const seen = new Map<number, number>();
    let token = 'none';
    await fc.assert(
      fc.asyncProperty(fc.array(shot, { minLength: 1, maxLength: 8 }), async (shots) => {
        const answers = await Promise.all(
          shots.map((one) => {
            const aimed = { ...one, path: one.path.replace('TOKEN', token) };
            return fire(server.socketPath, agent, aimed);
          }),
        );
        for (const [index, answer] of answers.entries()) {
          if (answer === null) {
            expect(shots[index]?.isAbandoned).toBe(true);
            continue;
          }
          const { status, text } = answer;
          seen.set(status, (seen.get(status) ?? 0) + 1);
          expect(status, text).toBeLessThan(500);
          if (text === '') continue;
          const body = JSON.parse(text) as { nextPageToken?: string; error?: { code: number } };
          token = body.nextPageToken ?? token;
          if (status >= 400) expect(body.error).toMatchObject({ code: status });
        }
      }),
      { numRuns: 400 },
    );
    // Every kind of answer was reached, so the requests were not all refused at the door.
    for (const status of [200, 201, 204, 400, 404, 405, 409, 415]) {
      expect([...seen.keys()]).toContain(status);
    }
    expect(server.captured.lines).toEqual([]);
    agent.destroy();
    await expect.poll(() => server.connectionCount(), { timeout: 10_000 }).toBe(0);
    expect(watchCount()).toBe(watchesBefore);
    await cluster.settled();
    const alive = await fire(server.socketPath, new Agent(), {
      ...{ method: 'GET', path: 'units', type: null, body: null, isAbandoned: false },
    });
    expect(alive?.status).toBe(200);
  }, 120_000);
});
