import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { aSession, runCommand } from '../../builders/fleetctl-session.ts';
import { anOriginalFleetd } from '../../builders/original-fleetd.ts';

const brake = {
  kind: 'brake',
  text: 'most machines vanished',
  hint: 'fleetctl resume ends it',
} as const;

it.each(['list-machines', 'list-units'])(
  '%s tells notices on stderr, and its table as ever',
  async (command) => {
    await using session = await aSession({ machineCount: 1 });
    const before = await session.run(command);
    expect(before.err).toBe('');
    session.notices.push(brake);
    const after = await session.run(command);
    expect(after).toEqual({
      status: 0,
      out: before.out,
      err: 'fleetctl: warning: most machines vanished\nfleetctl resume ends it\n',
    });
    expect((await session.run(command, '-o', 'json')).err).toBe(after.err);
  },
);

it('a fleetd of fleet 1.0 has no notices, and nothing is said about that', async () => {
  await using session = await aSession({ machineCount: 1 });
  session.notices.push(brake);
  await using original = await anOriginalFleetd(session);
  const outcome = await runCommand(['--endpoint', original.endpoint, 'list-machines']);
  expect([outcome.status, outcome.err]).toEqual([0, '']);
});

it('where nobody answers, that is told and nothing else', async () => {
  const { status, err } = await runCommand(['--endpoint', 'unix:///nonexistent', 'list-units']);
  expect([status, err.split('\n').length]).toEqual([1, 3]);
});

it('what a command fails for is told once, also where a notice says the same', async () => {
  await using session = await aSession({ machineCount: 0 });
  const text = 'store-went-back: etcd is at revision 7, it was at 9; units keep running';
  const notices = [{ kind: 'frozen', text, hint: 'adopt it' }, brake];
  const error = { code: 503, message: 'store-went-back: etcd is at revision 7, it was at 9' };
  const server = createServer((request, answer) => {
    const isNotices = request.url?.endsWith('/notices') === true;
    answer.writeHead(isNotices ? 200 : 503, { 'content-type': 'application/json' });
    answer.end(JSON.stringify(isNotices ? { notices } : { error: { ...error, hint: 'adopt it' } }));
  });
  const path = join(session.server.folder, 'frozen.sock');
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const said = await runCommand(['--endpoint', `unix://${path}`, 'list-machines']);
  server.close();
  expect(said).toMatchObject({ status: 1, out: '' });
  expect(said.err.split('\n')).toEqual([
    'fleetctl: warning: most machines vanished',
    'fleetctl resume ends it',
    'fleetctl: store-went-back: etcd is at revision 7, it was at 9',
    'adopt it',
    '',
  ]);
});
