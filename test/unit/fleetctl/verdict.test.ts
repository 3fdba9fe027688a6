import { describe, expect, it } from 'vitest';
import type { UnitBody } from '../../../src/api/schema.ts';
import { MachineNames } from '../../../src/fleetctl/machine-names.ts';
import { judge } from '../../../src/fleetctl/verdict.ts';

const m1 = '1'.repeat(32);
const m2 = '2'.repeat(32);
const machines = new MachineNames([{ id: m1, primaryIP: '10.0.0.1', metadata: {}, version: '' }]);

type Row = UnitBody['machines'][number];

function aRow(more: Partial<Row>): Row {
  return {
    machineID: m1,
    currentState: 'loaded',
    active: 'inactive',
    sub: 'dead',
    problem: null,
    ...more,
  };
}

function aBody(more: Partial<UnitBody>): UnitBody {
  return {
    name: 'a.service',
    options: [],
    desiredState: 'launched',
    currentState: 'inactive',
    text: '',
    hash: '',
    global: false,
    restartCount: 0,
    placement: { sinceMs: 0, reason: 'least loaded', objections: [] },
    machines: [],
    ...more,
  };
}

describe('a unit that is to be launched', () => {
  it('is underway while no machine was chosen, or the chosen one says nothing', () => {
    expect(judge('a.service', aBody({ placement: null }), 'launched', machines).kind).toBe(
      'underway',
    );
    const verdict = judge('a.service', aBody({ machineID: m1 }), 'launched', machines);
    expect(verdict).toMatchObject({ kind: 'underway', text: expect.stringContaining('10.0.0.1') });
  });

  it('does not count as launched for what another machine says', () => {
    const body = aBody({
      machineID: m1,
      machines: [aRow({ machineID: m2, currentState: 'launched', active: 'active' })],
    });
    expect(judge('a.service', body, 'launched', machines).kind).toBe('underway');
  });

  it('is there when its machine launched it, also when it failed since', () => {
    const machinesRows = [aRow({ currentState: 'launched', active: 'failed' })];
    const body = aBody({ machineID: m1, currentState: 'launched', machines: machinesRows });
    expect(judge('a.service', body, 'launched', machines)).toEqual({
      kind: 'reached',
      text: 'Unit a.service launched on 11111111.../10.0.0.1',
    });
    expect(judge('a.service', body, 'active', machines).kind).toBe('failed');
  });

  it('is waited for while it restarts by itself', () => {
    const rows = [aRow({ currentState: 'launched', active: 'activating', sub: 'auto-restart' })];
    const body = aBody({ machineID: m1, currentState: 'launched', machines: rows });
    expect(judge('a.service', body, 'active', machines)).toMatchObject({
      kind: 'underway',
      text: expect.stringContaining('auto-restart'),
    });
  });

  it('that fits nowhere is told with grouped reasons and how many machines there are', () => {
    const objections = [
      { why: 'conflicts with b.service', count: 4, machines: [m1, m2] },
      { why: 'metadata disk=ssd is missing', count: 1, machines: [m1] },
    ];
    const body = aBody({ placement: { sinceMs: 0, reason: '', objections } });
    const verdict = judge('a.service', body, 'launched', machines);
    expect(verdict).toEqual({
      kind: 'failed',
      lines: [
        'a.service fits on none of 5 machines',
        '  4 machines: conflicts with b.service (11111111..., 22222222..., …)',
        '  1 machine: metadata disk=ssd is missing (11111111...)',
        'it stays wanted until a machine fits; to give up: fleetctl unload a.service',
      ],
    });
  });

  it('that is refused by its machine is underway: the leader looks for another', () => {
    const rows = [aRow({ currentState: 'refused', problem: 'name taken by /etc/x' })];
    const body = aBody({ machineID: m1, machines: rows });
    expect(judge('a.service', body, 'launched', machines)).toMatchObject({
      kind: 'underway',
      text: expect.stringContaining('name taken'),
    });
  });

  it('failed when it was destroyed, or somebody wants something else', () => {
    expect(judge('a.service', null, 'launched', machines).kind).toBe('failed');
    const body = aBody({ desiredState: 'inactive' });
    expect(judge('a.service', body, 'launched', machines).kind).toBe('failed');
  });
});

describe('a unit that is to be stopped', () => {
  const body = aBody({ desiredState: 'loaded', machineID: m1 });

  it('is underway while its machine still calls it launched', () => {
    const rows = [aRow({ currentState: 'launched', active: 'deactivating', sub: 'stop-sigterm' })];
    const still: UnitBody = { ...body, currentState: 'launched', machines: rows };
    expect(judge('a.service', still, 'stopped', machines)).toMatchObject({
      kind: 'underway',
      text: expect.stringContaining('stop-sigterm'),
    });
  });

  it('is there when it is loaded, or on no machine at all', () => {
    const loaded: UnitBody = { ...body, currentState: 'loaded', machines: [aRow({})] };
    expect(judge('a.service', loaded, 'stopped', machines).kind).toBe('reached');
    const nowhere = aBody({ desiredState: 'loaded' });
    expect(judge('a.service', nowhere, 'stopped', machines)).toEqual({
      kind: 'reached',
      text: 'Unit a.service inactive',
    });
  });
});

describe('a unit that is to be unloaded', () => {
  it('is there when no machine has it, also when it was destroyed meanwhile', () => {
    const gone = aBody({ desiredState: 'inactive', placement: null });
    expect(judge('a.service', gone, 'inactive', machines).kind).toBe('reached');
    expect(judge('a.service', null, 'inactive', machines).kind).toBe('reached');
    const still: UnitBody = { ...gone, currentState: 'loaded', machines: [aRow({})] };
    expect(judge('a.service', still, 'inactive', machines).kind).toBe('underway');
  });
});
