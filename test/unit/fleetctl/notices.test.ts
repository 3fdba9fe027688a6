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
