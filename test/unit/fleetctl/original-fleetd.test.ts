import { describe, expect, it } from 'vitest';
import type { UnitBody } from '../../../src/api/schema.ts';
import { completeUnit, type PlainUnitBody } from '../../../src/fleetctl/original-unit.ts';
import { unitHash } from '../../../src/unitfile/unit-hash.ts';
import { machineId } from '../../builders/fake-cluster.ts';
import {
  aSession,
  type Outcome,
  runCommand,
  type Session,
} from '../../builders/fleetctl-session.ts';
import { anOriginalFleetd } from '../../builders/original-fleetd.ts';

// What is imitated here was seen with the fleetd of fleet 1.0 itself.

const web = '[Service]\nExecStart=/bin/sleep 1d\n';

interface Old extends AsyncDisposable {
  readonly session: Session;
  readonly writes: readonly string[];
  run(...args: readonly string[]): Promise<Outcome>;
}

async function anOldCluster(options: Parameters<typeof aSession>[0]): Promise<Old> {
  const session = await aSession(options);
  const original = await anOriginalFleetd(session);
  return {
    session,
    writes: original.writes,
    run: async (...args) => {
      await session.cluster.settled();
      return runCommand(args, { FLEETCTL_ENDPOINT: original.endpoint });
    },
    async [Symbol.asyncDispose]() {
      await original[Symbol.asyncDispose]();
      await session[Symbol.asyncDispose]();
    },
  };
}

describe('with a fleetd of fleet 1.0', () => {
  it('an empty cluster has empty tables, although its answers name no list', async () => {
    await using old = await anOldCluster({ machineCount: 0 });
    expect(await old.run('list-units', '--no-legend')).toEqual({ status: 0, out: '', err: '' });
    expect(await old.run('list-unit-files', '-o', 'json')).toMatchObject({ out: '[]\n' });
    expect(await old.run('list-machines', '--no-legend')).toMatchObject({ status: 0, out: '' });
  });

  it('a machine without metadata is listed', async () => {
    await using old = await anOldCluster({ machineCount: 2 });
    expect((await old.run('list-machines', '--no-legend')).out).toBe(
      '11111111...\t10.0.0.1\t-\n22222222...\t10.0.0.2\tdisk=ssd,zone=b\n',
    );
  });

  it('listings are whole, whatever its pages hold', async () => {
    await using old = await anOldCluster({ machineCount: 2 });
    const names = [1, 2, 3, 4, 5, 6, 7].map((number) => `web@${number}.service`);
    old.session.file('web@.service', web);
    const paths = names.map((name) => `${old.session.server.folder}/${name}`);
    expect(await old.run('start', ...paths)).toMatchObject({ status: 0 });
    for (const command of ['list-units', 'list-unit-files']) {
      const { out } = await old.run(command, '--no-legend', '--fields', 'unit,hash');
      expect(out.split('\n').map((line) => line.split('\t')[0])).toEqual([...names, '']);
    }
  });

  it('what becomes of a unit is read from its machine', async () => {
    const fates = { 'once.service': { active: 'inactive', sub: 'dead' } };
    await using old = await anOldCluster({ machineCount: 1, fates });
    const path = old.session.file('once.service', web);
    const said = await old.run('start', '--wait', path);
    expect(said.out).toBe('Unit once.service finished on 11111111.../10.0.0.1\n');
    const [unit] = JSON.parse((await old.run('status', '-o', 'json', 'once')).out) as UnitBody[];
    expect(unit?.machines).toMatchObject([{ active: 'inactive', sub: 'dead' }]);
  });

  it('start of a unit that failed goes through stop', async () => {
    const fates = { 'bad.service': { active: 'failed', sub: 'failed' } };
    await using old = await anOldCluster({ machineCount: 1, fates });
    await old.run('start', old.session.file('bad.service', web));
    expect(await old.run('start', 'bad')).toMatchObject({
      status: 0,
      out: expect.stringMatching(
        /^Unit bad.service loaded on .*\nUnit bad.service launched on .*\n$/,
      ),
    });
    expect(old.writes.slice(1)).toEqual([
      'PUT bad.service {"desiredState":"loaded"}',
      'PUT bad.service {"desiredState":"launched"}',
    ]);
  });

  it('stop of a unit that is nowhere is done at once, and start says that no reason is known', async () => {
    await using old = await anOldCluster({ machineCount: 0 });
    const path = old.session.file('web.service', web);
    const late = await old.run('start', '--timeout', '200ms', path);
    expect(late).toMatchObject({ status: 1, err: expect.stringContaining('does not say') });
    expect(await old.run('stop', 'web')).toMatchObject({
      status: 0,
      out: 'Unit web.service inactive\n',
    });
  });

  it('a global unit is counted, and restarted once all its copies have stopped', async () => {
    await using old = await anOldCluster({ machineCount: 2 });
    const path = old.session.file('all.service', `${web}[X-Fleet]\nGlobal=true\n`);
    await old.run('start', path);
    const { out } = await old.run(
      'list-unit-files',
      '--no-legend',
      '--fields',
      'unit,state,target',
    );
    expect(out).toBe('all.service\t2 of 2\tglobal\n');
    expect(await old.run('restart', 'all')).toEqual({
      status: 0,
      out:
        'Triggered global unit all.service stop\nUnit all.service loaded\n' +
        'Triggered global unit all.service restart\n',
      err: '',
    });
  });

  it('destroy ends when nothing is left', async () => {
    await using old = await anOldCluster({ machineCount: 1 });
    await old.run('start', old.session.file('web.service', web));
    expect(await old.run('destroy', 'web')).toMatchObject({
      status: 0,
      out: 'Destroyed web.service\n',
    });
    expect(await old.run('cat', 'web')).toMatchObject({ status: 1 });
  });
});

describe('a unit of a fleetd of fleet 1.0', () => {
  const options = [{ section: 'Service', name: 'ExecStart', value: '/bin/true' }];
  const body: PlainUnitBody = {
    ...{ name: 'web.service', machineID: machineId(1), options },
    desiredState: 'launched',
    currentState: 'launched',
  };
  const state = {
    ...{ name: 'web.service', machineID: machineId(1), problem: null },
    ...{ systemdLoadState: 'loaded', systemdActiveState: 'active', systemdSubState: 'running' },
  };

  it('is launched only where its machine has this content', () => {
    expect(completeUnit(body, [{ ...state, hash: unitHash(options) }]).currentState).toBe(
      'launched',
    );
    const older = completeUnit(body, [{ ...state, hash: 'f00' }]);
    expect(older).toMatchObject({
      currentState: 'inactive',
      machines: [{ currentState: 'inactive', active: 'active' }],
    });
  });
});
