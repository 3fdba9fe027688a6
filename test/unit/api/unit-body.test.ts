import { describe, expect, it } from 'vitest';
import { unitBody } from '../../../src/api/unit-body.ts';
import type { ReportRow, UnitView } from '../../../src/model/catalog.ts';
import type { MachineId, UnitIdentity } from '../../../src/model/ids.ts';
import type { Placement } from '../../../src/model/placement.ts';
import type { StateReport } from '../../../src/model/report.ts';
import type { UnitRecord } from '../../../src/model/unit.ts';
import type { ContentHash, UnitHash } from '../../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { machineId } from '../../builders/fake-cluster.ts';

const mine = 'mine' as UnitIdentity;
const older = 'older' as UnitIdentity;
const name = 'a.service' as UnitName;

function aRow(machine: MachineId, report: Partial<StateReport>): ReportRow {
  const unitHash = 'hash' as UnitHash;
  return {
    unit: name,
    machine,
    report: {
      identity: mine,
      unitHash,
      current: 'loaded',
      load: 'loaded',
      active: 'inactive',
      sub: 'dead',
      problem: null,
      ...report,
    },
  };
}

function aView(
  desired: UnitRecord['desired'],
  more: { readonly global?: boolean } & Partial<Pick<UnitView, 'placement' | 'reports'>>,
): UnitView {
  return {
    name,
    text: '[Service]\nExecStart=/bin/true\n',
    placement: more.placement ?? null,
    reports: more.reports ?? [],
    record: {
      identity: mine,
      unitHash: 'hash' as UnitHash,
      contentHash: 'content' as ContentHash,
      desired,
      gone: false,
      restartCount: 0,
      oneshot: false,
      requirements: {
        machineId: null,
        machineOf: [],
        metadata: [],
        conflicts: [],
        replaces: [],
        global: more.global ?? false,
      },
    },
  };
}

function on(machine: MachineId | null, identity: UnitIdentity = mine): Placement {
  return { machine, identity, sinceMs: 1, reason: 'r', objections: [], refusals: [] };
}

describe('the state of a unit', () => {
  it('is what its own machine says, not what another copy says', () => {
    const reports = [
      aRow(machineId(1), { current: 'loaded' }),
      aRow(machineId(2), { current: 'launched' }),
    ];
    const body = unitBody(aView('launched', { placement: on(machineId(1)), reports }));
    expect(body).toMatchObject({ currentState: 'loaded', machineID: machineId(1) });
    expect(body.machines).toHaveLength(2);
  });

  it('does not count what was said, or decided, about an older unit of the same name', () => {
    const reports = [aRow(machineId(1), { current: 'launched', identity: older })];
    const body = unitBody(aView('launched', { placement: on(machineId(1), older), reports }));
    expect(body).toMatchObject({ currentState: 'inactive', placement: null, machines: [] });
    expect(body.machineID).toBeUndefined();
  });

  it('is not launched while the machine speaks of an earlier start', () => {
    const reports = [aRow(machineId(1), { current: 'launched', problem: 'an old one' })];
    const view = aView('launched', { placement: on(machineId(1)), reports });
    const asked = { ...view, record: { ...view.record, restartCount: 1 } };
    const body = unitBody(asked);
    expect(body).toMatchObject({ currentState: 'loaded', restartCount: 1 });
    expect(body.machines[0]).toMatchObject({ currentState: 'loaded', problem: null });
  });

  it('is inactive for a unit that is to be unloaded only when no machine has it any more', () => {
    const still = [aRow(machineId(1), { current: 'launched' })];
    expect(unitBody(aView('inactive', { reports: still })).currentState).toBe('launched');
    const gone = [aRow(machineId(1), { current: 'gone' })];
    expect(unitBody(aView('inactive', { reports: gone }))).toMatchObject({
      currentState: 'inactive',
      machines: [],
    });
  });

  it('of a global unit is that of the machine which got furthest', () => {
    const reports = [
      aRow(machineId(1), { current: 'refused', problem: 'name taken' }),
      aRow(machineId(2), { current: 'loaded' }),
    ];
    const body = unitBody(aView('launched', { global: true, reports }));
    expect(body).toMatchObject({ currentState: 'loaded', placement: null });
    expect(body.machines[0]).toMatchObject({ currentState: 'refused', problem: 'name taken' });
  });

  it('shows no placement for a unit that is wanted nowhere', () => {
    expect(unitBody(aView('inactive', { placement: on(null) })).placement).toBeNull();
    expect(unitBody(aView('loaded', { placement: on(null) })).placement).toEqual({
      sinceMs: 1,
      reason: 'r',
      objections: [],
    });
  });
});

describe('a oneshot', () => {
  const on = machineId(1);
  const placement: Placement = {
    machine: on,
    identity: mine,
    sinceMs: 0,
    reason: 'finished',
    objections: [],
    refusals: [],
    finishedRun: 0,
  };
  const launched = aRow(on, { current: 'launched' });

  it('that has finished says so', () => {
    const view = aView('launched', { placement, reports: [launched] });
    const body = unitBody({ ...view, record: { ...view.record, oneshot: true } });
    expect(body).toMatchObject({ currentState: 'launched', placement: { finished: true } });
  });

  it('that is to run once more is not launched before that run was started', () => {
    const view = aView('launched', { placement, reports: [launched] });
    const body = unitBody({ ...view, record: { ...view.record, oneshot: true, restartCount: 1 } });
    expect(body.currentState).toBe('loaded');
    expect(body.placement).not.toHaveProperty('finished');
  });
});
