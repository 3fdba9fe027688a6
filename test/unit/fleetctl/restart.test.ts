import { describe, expect, it } from 'vitest';
import type { UnitBody } from '../../../src/api/schema.ts';
import { isDown } from '../../../src/fleetctl/down.ts';
import { completeUnit } from '../../../src/fleetctl/original-unit.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { machineId } from '../../builders/fake-cluster.ts';
import { aSession, runCommand, type Session } from '../../builders/fleetctl-session.ts';
import { anOriginalFleetd } from '../../builders/original-fleetd.ts';

const web = '[Service]\nExecStart=/bin/sleep 1d\n';

const never = new AbortController().signal;

async function restartCount(session: Session, name: string): Promise<number | undefined> {
  await session.cluster.settled();
  const view = await session.cluster.catalog.readUnit(name as UnitName, never);
  return view?.record.restartCount;
}

describe('restart', () => {
  it('asks for a new start and waits until that one has happened', async () => {
    await using session = await aSession({ machineCount: 1 });
    await session.run('start', session.file('web.service', web));
    await session.cluster.settled();
    const outcome = await session.run('restart', 'web.service');
    expect(outcome).toEqual({
      status: 0,
      out: 'Unit web.service launched on 11111111.../10.0.0.1\n',
      err: '',
    });
    expect(await restartCount(session, 'web.service')).toBe(1);
  });

  it('does not take the report on the start before for an answer', async () => {
    await using session = await aSession({ machineCount: 1, fates: {} });
    await session.run('start', session.file('web.service', web));
    await session.cluster.settled();
    session.cluster.hold();
    const outcome = await session.run('restart', '--timeout', '200ms', 'web.service');
    expect(outcome.status).toBe(1);
    expect(outcome.err).toContain('web.service is not launched after 0.2 s');
  });

  it('starts a unit that is loaded only', async () => {
    await using session = await aSession({ machineCount: 1 });
    await session.run('load', session.file('web.service', web));
    expect((await session.run('restart', 'web')).out).toContain('Unit web.service launched');
  });

  it('touches nothing when one of the units is not known', async () => {
    await using session = await aSession({ machineCount: 1 });
    await session.run('start', session.file('web.service', web));
    const outcome = await session.run('restart', 'web.service', 'wbe.service');
    expect(outcome).toMatchObject({ status: 1, out: '' });
    expect(outcome.err).toContain('there is no unit wbe.service');
    expect(await restartCount(session, 'web.service')).toBe(0);
  });

  it('leads a fleetd of fleet 1.0 through stop and start', async () => {
    await using session = await aSession({ machineCount: 1 });
    await using original = await anOriginalFleetd(session);
    const path = session.file('web.service', web);
    const endpoint = { FLEETCTL_ENDPOINT: original.endpoint };
    const started = await runCommand(['start', path], endpoint);
    expect(started.out).toBe('Unit web.service launched on 11111111.../10.0.0.1\n');
    const outcome = await runCommand(['restart', 'web.service'], endpoint);
    expect(outcome).toEqual({
      status: 0,
      out:
        'Unit web.service loaded on 11111111.../10.0.0.1\n' +
        'Unit web.service launched on 11111111.../10.0.0.1\n',
      err: '',
    });
    expect(original.writes.slice(1)).toEqual([
      'PUT web.service {"desiredState":"loaded"}',
      'PUT web.service {"desiredState":"launched"}',
    ]);
  });
});

describe('start of a unit that is launched already', () => {
  it.each([
    ['failed', 1],
    ['inactive', 1],
    ['active', 0],
  ])('asks again only where it does not run: %s', async (active, count) => {
    await using session = await aSession({
      machineCount: 1,
      fates: { 'web.service': { active, sub: 'x' } },
    });
    await session.run('start', session.file('web.service', web));
    await session.cluster.settled();
    await session.run('start', 'web.service');
    expect(await restartCount(session, 'web.service')).toBe(count);
  });
});

describe('a unit is down', () => {
  const row = {
    machineID: machineId(1),
    currentState: 'launched',
    sub: 'x',
    problem: null,
  } as const;

  function body(rows: UnitBody['machines'], more: Partial<UnitBody> = {}): UnitBody {
    const name = 'web.service';
    const state = { desiredState: 'launched', currentState: 'launched' } as const;
    const machineID = machineId(1);
    return completeUnit({ name, ...state, machineID, machines: rows, restartCount: 0, ...more });
  }

  function down(before: UnitBody): boolean {
    const name = 'web.service' as UnitName;
    return isDown({ name, isGlobal: before.global, before, text: null, warnings: [] });
  }

  it('when its start failed, but not while systemd is busy with it', () => {
    const problem = 'start job failed';
    expect(down(body([{ ...row, currentState: 'loaded', active: 'failed', problem }]))).toBe(true);
    expect(down(body([{ ...row, currentState: 'loaded', active: 'activating' }]))).toBe(false);
    expect(down(body([{ ...row, active: 'deactivating' }]))).toBe(false);
  });

  it('when its own machine says so, whatever an older copy elsewhere does', () => {
    const other = { ...row, machineID: machineId(2), active: 'active' };
    expect(down(body([{ ...row, active: 'failed' }, other]))).toBe(true);
    expect(
      down(
        body([
          { ...row, active: 'active' },
          { ...other, active: 'failed' },
        ]),
      ),
    ).toBe(false);
  });

  it('as a global unit only where all its copies are', () => {
    const rows = [
      { ...row, active: 'failed' },
      { ...row, machineID: machineId(2), active: 'active' },
    ];
    expect(down(body(rows, { global: true }))).toBe(false);
    expect(down(body(rows.slice(0, 1), { global: true }))).toBe(true);
    expect(down(body([], { global: true }))).toBe(false);
  });
});
