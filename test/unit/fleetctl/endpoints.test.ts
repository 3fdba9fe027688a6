import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseEndpoints } from '../../../src/fleetctl/endpoint.ts';
import { Transports } from '../../../src/fleetctl/transports.ts';
import { aSession, runCommand } from '../../builders/fleetctl-session.ts';

const web = '[Service]\nExecStart=/bin/sleep 1d\n';

describe('several endpoints', () => {
  it('are read with commas between, and one that is none spoils the list', () => {
    expect(parseEndpoints('http://a:1, file:///run/x.sock')).toEqual({
      ok: true,
      value: [
        { kind: 'tcp', host: 'a', port: 1 },
        { kind: 'unix', path: '/run/x.sock' },
      ],
    });
    for (const bad of ['', 'http://a:1,', 'http://a:1,host', 'file://run/x.sock']) {
      expect(parseEndpoints(bad), bad).toMatchObject({ ok: false });
    }
  });

  it('are tried in order until one answers, for reading and for writing', async () => {
    await using session = await aSession({ machineCount: 1 });
    const { folder, socketPath } = session.server;
    const FLEETCTL_ENDPOINT = `unix://${folder}/none,file://${folder}/nor,file://${socketPath}`;
    const path = session.file('web.service', web);
    expect(await runCommand(['start', path], { FLEETCTL_ENDPOINT })).toEqual({
      status: 0,
      out: 'Unit web.service launched on 11111111.../10.0.0.1\n',
      err: '',
    });
  });

  it('are all named when none answers', async () => {
    await using session = await aSession({ machineCount: 0 });
    const { folder } = session.server;
    const endpoint = `unix://${folder}/one,unix://${folder}/two`;
    const said = await runCommand(['--endpoint', endpoint, 'list-units']);
    expect(said).toMatchObject({ status: 1, out: '' });
    expect(said.err).toContain(
      `no fleetd answers at unix://${folder}/one, unix://${folder}/two: ` +
        `nobody listens at unix://${folder}/one; nobody listens at unix://${folder}/two\n`,
    );
  });

  it('leave a write with the one that may have taken it', async () => {
    await using session = await aSession({ machineCount: 0 });
    const deaf = join(session.server.folder, 'deaf.sock');
    const server = createServer((request) => request.socket.destroy());
    await new Promise<void>((resolve) => server.listen(deaf, resolve));
    const transports = new Transports({
      endpoint: { kind: 'unix', path: deaf },
      requestTimeoutMs: 2_000,
      others: [{ endpoint: { kind: 'unix', path: session.server.socketPath } }],
    });
    const path = '/fleet/v1/units/web.service';
    await expect(transports.send({ method: 'DELETE', path })).rejects.toThrow('hung up');
    expect(await transports.send({ method: 'GET', path })).toMatchObject({ status: 404 });
    expect(await transports.send({ method: 'DELETE', path })).toMatchObject({ status: 404 });
    transports.close();
    server.close();
  });
});

describe('what fleet 1.0 called otherwise', () => {
  it('is -v for --version', async () => {
    const [short, long] = await Promise.all([runCommand(['-v']), runCommand(['--version'])]);
    expect(short).toEqual(long);
    expect(short).toMatchObject({ status: 0, out: expect.stringMatching(/^fleetctl version \d/) });
  });

  it.each(['submit', 'load', 'start'])('is --sign of %s, refused in words', async (command) => {
    await using session = await aSession({ machineCount: 1 });
    const path = session.file('web.service', web);
    expect(await session.run(command, '--sign', path)).toEqual({
      status: 2,
      out: '',
      err: 'fleetctl: units cannot be signed\nleave --sign out; nothing was sent\n',
    });
    expect(await session.run(command, '--sign=false', path)).toMatchObject({ status: 0 });
  });
});
