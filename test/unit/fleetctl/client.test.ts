import { writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcpServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { FleetClient } from '../../../src/fleetctl/client.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { aSession, runCommand } from '../../builders/fleetctl-session.ts';

const servers: Server[] = [];
const sockets = new Set<Socket>();

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  for (const server of servers.splice(0)) {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined); // the client may hang up as it likes
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? `http://127.0.0.1:${address.port}` : '';
}

function answering(listener: RequestListener): Promise<string> {
  return listen(createServer(listener));
}

describe('an endpoint', () => {
  it('that nobody serves is named, with what to do', async () => {
    const outcome = await runCommand([
      '--endpoint',
      'unix:///nonexistent/fleet.sock',
      'list-units',
    ]);
    expect(outcome).toEqual({
      status: 1,
      out: '',
      err:
        'fleetctl: nobody listens at unix:///nonexistent/fleet.sock\n' +
        'start fleetd there (systemctl start fleet), or name another with --endpoint or ' +
        'FLEETCTL_ENDPOINT\n',
    });
    const endpoint = await answering(() => undefined);
    await new Promise<void>((resolve) => servers.pop()?.close(() => resolve()));
    const refused = await runCommand(['--endpoint', endpoint, 'list-units']);
    expect(refused.err).toContain(`nobody listens at ${endpoint}`);
  });

  it('that is a plain file is said to be no socket', async () => {
    await using session = await aSession({ machineCount: 0 });
    const path = session.file('plain', '');
    const outcome = await runCommand(['--endpoint', `unix://${path}`, 'list-units']);
    expect(outcome.err).toMatch(/nobody listens|is not a socket/);
    expect(outcome.status).toBe(1);
  });

  it.each([
    ['answers with a page', 200, 'text/html', '<html></html>', 'does not answer in JSON'],
    ['answers with other JSON', 200, 'application/json', '{"items":[]}', 'no "states"'],
    ['answers with a list', 404, 'application/json', '[]', 'of another kind'],
    ['answers with an error of its own', 500, 'application/json', '{"error":"x"}', 'HTTP 500'],
  ])('that %s is no fleetd', async (_what, status, type, body, words) => {
    const endpoint = await answering((_request, response) => {
      response.writeHead(status, { 'content-type': type }).end(body);
    });
    const outcome = await runCommand(['--endpoint', endpoint, 'list-units']);
    expect(outcome.status).toBe(1);
    expect(outcome.err).toContain('is not a fleetd');
    expect(outcome.err).toContain(words);
    expect(outcome.err).not.toContain('defect');
  });

  it('that knows nothing of units does not mean that there is no such unit', async () => {
    const endpoint = await answering((_request, response) => {
      response.writeHead(404, { 'content-type': 'text/plain' }).end('404 page not found');
    });
    for (const command of ['cat', 'destroy', 'stop', 'start']) {
      const outcome = await runCommand(['--endpoint', endpoint, command, 'web.service']);
      expect(outcome).toMatchObject({ status: 1, out: '' });
      expect(outcome.err).toContain('is not a fleetd: it does not answer in JSON (HTTP 404)');
    }
  });

  it('that does not speak HTTP is no fleetd', async () => {
    const server = createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH_9.2\r\n'));
    const outcome = await runCommand(['--endpoint', await listen(server), 'list-units']);
    expect(outcome).toMatchObject({ status: 1, out: '' });
    expect(outcome.err).toContain('does not speak HTTP');
  });

  it('that never answers is given up after --request-timeout', async () => {
    const endpoint = await answering(() => undefined);
    const args = ['--endpoint', endpoint, '--request-timeout', '50ms', 'list-units'];
    const outcome = await runCommand(args);
    expect(outcome.status).toBe(1);
    expect(outcome.err).toContain('did not answer within 0.05 s');
  });

  it('that stops in the middle of an answer is given up as well', async () => {
    const endpoint = await answering((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' });
      response.write('{"states":');
    });
    const args = ['--endpoint', endpoint, '--request-timeout', '50ms', 'list-units'];
    expect((await runCommand(args)).err).toContain('did not answer within');
  });

  it('whose store is away hands its words on', async () => {
    const error = { code: 503, message: 'etcd does not answer', hint: 'start etcd' };
    const endpoint = await answering((_request, response) => {
      response.writeHead(503, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error }));
    });
    for (const args of [['list-units'], ['start', 'a.service'], ['destroy', 'a.service']]) {
      expect(await runCommand(['--endpoint', endpoint, ...args])).toEqual({
        status: 1,
        out: '',
        err: 'fleetctl: etcd does not answer\nstart etcd\n',
      });
    }
  });
});

describe('a listing', () => {
  it('is read in pages of a thousand, and anew when the store forgot the revision', async () => {
    const asked: string[] = [];
    let refusals = 1;
    const endpoint = await answering((request, response) => {
      const query = new URL(request.url ?? '', 'http://x').searchParams;
      const token = query.get('nextPageToken');
      asked.push(`${query.get('limit')} ${token}`);
      const isStale = token !== null && refusals > 0;
      if (isStale) refusals -= 1;
      const body = isStale
        ? { error: { code: 410, message: 'compacted' } }
        : {
            units: [{ name: token ?? 'first', machines: [], restartCount: 0 }],
            ...(token === null ? { nextPageToken: 't' } : {}),
          };
      response.writeHead(isStale ? 410 : 200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    });
    const url = new URL(endpoint);
    const client = new FleetClient({
      endpoint: { kind: 'tcp', host: url.hostname, port: Number(url.port) },
      requestTimeoutMs: 5000,
    });
    expect((await client.listUnits('whole')).map(({ name }) => name)).toEqual(['first', 't']);
    expect(asked).toEqual(['1000 null', '1000 t', '1000 null', '1000 t']);
    client.close();
  });

  it('reads on where a header says, each page once', async () => {
    const asked: string[] = [];
    const endpoint = await answering((request, response) => {
      const number = Number(new URL(request.url ?? '', 'http://any').searchParams.get('page') ?? 1);
      asked.push(request.url ?? '');
      const link = `<${request.url?.split('&page')[0]}&page=${number + 1}>; rel="next"`;
      response.writeHead(200, number === 3 ? {} : { link });
      const states = [{ name: `unit-${number}`, machineID: 'm' }];
      response.end(JSON.stringify({ states, ...(number === 3 ? {} : { nextPageToken: 'late' }) }));
    });
    const url = new URL(endpoint);
    const client = new FleetClient({
      endpoint: { kind: 'tcp', host: url.hostname, port: Number(url.port) },
      requestTimeoutMs: 5000,
    });
    const names = (await client.listStates()).map(({ name }) => name);
    expect(names).toEqual(['unit-1', 'unit-2', 'unit-3']);
    const path = '/fleet/v1/state?limit=5000';
    expect(asked).toEqual([path, `${path}&page=2`, `${path}&page=3`]);
    client.close();
  });
});

describe('one refused unit', () => {
  it('keeps no other from being started, is named with the reason, and the status is 1', async () => {
    await using session = await aSession({ machineCount: 1 });
    session.file('a.service', '[Service]\nExecStart=/bin/true\n[X-Fleet]\nMachineOf=g.service\n');
    session.file('b.service', '[Service]\nExecStart=/bin/true\n');
    session.file('g.service', '[Service]\nExecStart=/bin/true\n[X-Fleet]\nGlobal=true\n');
    const path = (name: string): string => `${session.server.folder}/${name}`;
    await session.run('submit', path('g.service'));
    const outcome = await session.run('start', path('a.service'), path('b.service'));
    expect(outcome.status).toBe(1);
    expect(outcome.out).toContain('Unit b.service launched');
    expect(outcome.err).toContain('a.service: MachineOf=g.service: that unit is global');
  });
});

describe('many units', () => {
  it('are started, waited for and destroyed with one command', async () => {
    await using session = await aSession({ machineCount: 3 });
    const path = session.file('web@.service', '[Service]\nExecStart=/bin/true\n');
    writeFileSync(path, '[Service]\nExecStart=/bin/sleep %i\n');
    const names = Array.from({ length: 100 }, (_, index) => `web@${index}.service` as UnitName);
    expect((await session.run('submit', path)).status).toBe(0);
    const started = await session.run('start', ...names);
    expect(started.status).toBe(0);
    expect(started.out.match(/launched on/g)).toHaveLength(100);
    const listed = await session.run('list-units', '--no-legend', '--fields', 'unit');
    expect(listed.out.trim().split('\n').sort()).toEqual([...names].sort());
    const destroyed = await session.run('destroy', ...names);
    expect(destroyed.out.match(/Destroyed/g)).toHaveLength(100);
    expect((await session.run('list-units', '--no-legend')).out).toBe('');
  });
});

describe('many units that are named', () => {
  const names = Array.from({ length: 250 }, (_, index) => `u${index}.service` as UnitName);
  const some = ['u0.service', 'u120.service', 'u249.service', 'other.service'];
  const body = { options: [], text: '', hash: '', machines: [], restartCount: 0 };
  const units = some.map((name) => ({ ...body, name, placement: null, desiredState: 'inactive' }));

  /** What came of asking for them, and how many requests that took. */
  async function askedOf(
    answer: (asked: readonly string[]) => readonly object[],
  ): Promise<{ readonly found: readonly string[]; readonly requestCount: number }> {
    let requestCount = 0;
    const endpoint = await answering((request, response) => {
      requestCount += 1;
      const { searchParams } = new URL(request.url ?? '', 'http://fleet');
      const asked = (searchParams.get('names') ?? '').split(',');
      response.end(JSON.stringify({ units: answer(asked) }));
    });
    const { hostname: host, port } = new URL(endpoint);
    const place = { kind: 'tcp', host, port: Number(port) } as const;
    const client = new FleetClient({ endpoint: place, requestTimeoutMs: 5_000 });
    try {
      return { found: [...(await client.getUnits(names, 'whole')).keys()], requestCount };
    } finally {
      client.close();
    }
  }

  it('are asked for a hundred at once', async () => {
    const outcome = await askedOf((asked) => units.filter(({ name }) => asked.includes(name)));
    expect(outcome).toEqual({ found: some.slice(0, 3), requestCount: 3 });
  });

  it('are found in the one answer of a fleetd that lists all whatever it is asked', async () => {
    expect(await askedOf(() => units)).toEqual({ found: some.slice(0, 3), requestCount: 1 });
  });
});
