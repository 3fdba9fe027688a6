import { describe, expect, it } from 'vitest';
import type { UnitPageBody } from '../../../src/api/schema.ts';
import { ask } from '../../builders/api-requests.ts';
import { aSession, type Session } from '../../builders/fleetctl-session.ts';

const text = '[Unit]\nDescription=d\n[Service]\nExecStart=/bin/true\n';

async function filled(session: Session): Promise<void> {
  const paths = ['a', 'b', 'c'].map((name) => session.file(`${name}.service`, text));
  await session.run('start', ...paths);
  await session.cluster.settled();
}

async function pageOf(session: Session, query: string): Promise<UnitPageBody> {
  const answer = await ask(session.server.api, 'GET', `/units${query}`);
  expect(answer.status).toBe(200);
  return answer.body as UnitPageBody;
}

describe('a brief listing of units', () => {
  it('says what the whole one says, but for text and options', async () => {
    await using session = await aSession({ machineCount: 2 });
    await filled(session);
    const whole = await pageOf(session, '');
    const brief = await pageOf(session, '?brief=true');
    expect(whole.units.map((unit) => unit.text)).toEqual([text, text, text]);
    expect(brief.units).toEqual(whole.units.map((unit) => ({ ...unit, text: '', options: [] })));
  });

  it('is another listing: its pages go on briefly, and their tokens fit no other', async () => {
    await using session = await aSession({ machineCount: 2 });
    await filled(session);
    const first = await pageOf(session, '?brief=true&limit=2');
    const token = encodeURIComponent(first.nextPageToken ?? '');
    const second = await pageOf(session, `?brief=true&nextPageToken=${token}`);
    expect(second.units.map(({ name, text: some }) => [name, some])).toEqual([['c.service', '']]);
    const mixed = await ask(session.server.api, 'GET', `/units?nextPageToken=${token}`);
    expect(mixed.status).toBe(400);
  });

  it('is what list-unit-files reads, unless it shows more', async () => {
    await using session = await aSession({ machineCount: 2 });
    await filled(session);
    const plain = await session.run('--debug', 'list-unit-files');
    expect(plain.err).toContain('brief=true');
    const described = await session.run('--debug', 'list-unit-files', '--fields', 'unit,desc');
    expect(described.err).not.toContain('brief=true');
    expect(described.out).toContain('a.service\td\n');
    const json = JSON.parse((await session.run('list-unit-files', '-o', 'json')).out);
    expect(json[0].text).toBe(text);
  });
});
