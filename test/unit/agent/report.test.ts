import { describe, expect, it } from 'vitest';
import type { ActualUnit } from '../../../src/agent/observe.ts';
import type { OrphanText } from '../../../src/agent/orphan-text.ts';
import { type ReportInput, reportOf } from '../../../src/agent/report.ts';
import { nextRetry, retryKey } from '../../../src/agent/retry.ts';
import type { UnitIdentity } from '../../../src/model/ids.ts';
import type { Order } from '../../../src/model/order.ts';
import {
  aLoadedUnit,
  anAbsentUnit,
  anOrder,
  anotherOrder,
  aRunningUnit,
  thisBoot,
  web,
} from '../../builders/agent.ts';

const failure = { problem: "start job ended 'failed': exit-code", isRefusal: false };
const words = { load: 'loaded', active: 'active', sub: 'running', problem: null };
const absent = { load: 'not-found', active: 'inactive', sub: 'dead', problem: null };

function report(
  actual: ActualUnit,
  order: Order | null,
  changes: Partial<ReportInput> = {},
): ReturnType<typeof reportOf> {
  const input = {
    ...{ actual, order, isOrderKnown: true, retry: undefined, text: null, words: '' },
    ...{ bootId: thisBoot, isIsolated: false },
  };
  return reportOf({ ...input, ...changes });
}

function anOrphanText(avoids: readonly string[]): OrphanText {
  const { contentHash, unitHash } = anOrder();
  return { contentHash, unitHash, avoids };
}

describe('a report', () => {
  it('says launched once there is a receipt, in the words of systemd', () => {
    const said = report(aRunningUnit(web), anOrder());
    expect(said).toEqual({ identity: 'one', unitHash: 'hash-a', current: 'launched', ...words });
  });

  it('says launched of a oneshot that has finished before a reboot, and which run that was', () => {
    const order = anOrder('launch', { finished: true, restartCount: 2 });
    const said = report(aLoadedUnit(web, order), order);
    expect(said).toMatchObject({ current: 'launched', active: 'inactive', restartCount: 2 });
  });

  it('says of a oneshot that an isolation has ended that it is only loaded, and why', () => {
    const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };
    const order = anOrder('launch', { guard });
    const ended = aRunningUnit(web, order, { status: { active: 'inactive', sub: 'dead' } });
    expect(report(ended, order)).toMatchObject({ current: 'launched' });
    const said = report(ended, order, { isIsolated: true });
    expect(said).toMatchObject({ current: 'loaded', problem: expect.stringContaining('cut off') });
    expect(report(aRunningUnit(web), anOrder(), { isIsolated: true })).toMatchObject(words);
  });

  it('says gone of an order for another identity, and that something still runs', () => {
    const gone = anOrder('gone', { identity: 'two' as UnitIdentity });
    const said = report(aRunningUnit(web), gone);
    expect(said).toMatchObject({ identity: 'two', current: 'gone', active: 'active' });
  });

  it('says which start it is about, and leaves the first unsaid', () => {
    const again = anOrder('launch', { restartCount: 1 });
    expect(report(aRunningUnit(web, again), again)).toMatchObject({ restartCount: 1 });
    expect(report(aRunningUnit(web), anOrder())).not.toHaveProperty('restartCount');
  });

  it('says loaded while a start is under way', () => {
    const starting = aLoadedUnit(web, anOrder(), { status: { active: 'activating' } });
    expect(report(starting, anOrder())).toMatchObject({ current: 'loaded', active: 'activating' });
  });

  it('says loaded while a restart is due', () => {
    const restart = anOrder('launch', { restartCount: 1 });
    const said = report(aRunningUnit(web), restart);
    expect(said).toMatchObject({ current: 'loaded', restartCount: 1 });
  });

  it('tells of the copy that is here, not of the one that was ordered', () => {
    const said = report(aRunningUnit(web), anotherOrder());
    expect(said).toMatchObject({ identity: 'one', current: 'launched' });
  });

  it('says launched of a unit that is to be stopped until it was stopped', () => {
    expect(report(aRunningUnit(web), anOrder('stop'))).toMatchObject({ current: 'launched' });
    const stopped = aLoadedUnit(web, anOrder(), { busy: null });
    expect(report(stopped, anOrder('stop'))).toMatchObject({ current: 'loaded' });
  });

  it('says gone only when nothing is left and nothing runs', () => {
    const gone = { identity: 'one', unitHash: 'hash-a', current: 'gone', ...absent };
    expect(report(anAbsentUnit(web), anOrder('gone'))).toEqual(gone);
    expect(report(aRunningUnit(web), anOrder('gone'))).toMatchObject({ current: 'launched' });
    expect(report(anAbsentUnit(web, { busy: 'stop' }), anOrder('gone'))).toBe('leave');
  });

  it('refuses a name of somebody else without showing their state as ours', () => {
    const theirs = {
      load: 'loaded',
      active: 'active',
      fragmentPath: '/etc/systemd/system/web.service',
    };
    expect(report(anAbsentUnit(web, { status: theirs }), anOrder())).toEqual({
      ...{ identity: 'one', unitHash: 'hash-a', current: 'refused', ...absent },
      problem: 'name taken by /etc/systemd/system/web.service',
    });
  });

  it('refuses what systemd cannot load, in its words', () => {
    const bad = { load: 'bad-setting', loadError: 'Unit web.service has a bad unit file setting.' };
    expect(report(aLoadedUnit(web, anOrder(), { status: bad }), anOrder())).toMatchObject({
      current: 'refused',
      problem: 'bad-setting: Unit web.service has a bad unit file setting.',
    });
  });

  it('refuses what could not be written, and stays silent while its text cannot be read', () => {
    const key = retryKey(anOrder());
    const full = nextRetry(undefined, { key, problem: 'no space', isRefusal: true }, 0);
    expect(report(anAbsentUnit(web), anOrder(), { retry: full })).toMatchObject({
      current: 'refused',
      problem: 'no space',
    });
    const away = nextRetry(undefined, { key, problem: 'no etcd', isRefusal: false }, 0);
    expect(report(anAbsentUnit(web), anOrder(), { retry: away })).toBe('leave');
  });

  it('carries the failure of its own order and of no other', () => {
    const unit = aLoadedUnit(web, anOrder(), { status: { active: 'failed', sub: 'failed' } });
    const own = nextRetry(undefined, { ...failure, key: retryKey(anOrder()) }, 0);
    expect(report(unit, anOrder(), { retry: own })).toMatchObject({
      current: 'loaded',
      active: 'failed',
      problem: failure.problem,
    });
    const other = { ...own, key: retryKey(anotherOrder()) };
    expect(report(unit, anOrder(), { retry: other })).toMatchObject({ problem: null });
  });

  it('keeps the problem short', () => {
    const key = retryKey(anOrder());
    const long = nextRetry(undefined, { key, problem: 'x'.repeat(1_000), isRefusal: true }, 0);
    const said = report(anAbsentUnit(web), anOrder(), { retry: long });
    expect(said).toMatchObject({ problem: `${'x'.repeat(299)}…` });
  });

  it('of a unit without an order goes on as that of an orphan, until nothing is left', () => {
    const text = anOrphanText(['db.*']);
    expect(report(aRunningUnit(web), null, { text })).toEqual({
      ...{ identity: 'one', unitHash: 'hash-a', current: 'launched', ...words },
      orphan: { contentHash: 'text-a', avoids: ['db.*'] },
    });
    expect(report(anAbsentUnit(web), null)).toBe('delete');
    expect(report(anAbsentUnit(web), null, { isOrderKnown: false })).toBe('leave');
  });

  it('calls nobody an orphan before all orders were read', () => {
    const said = report(aRunningUnit(web), null, { isOrderKnown: false });
    expect(said).toMatchObject({ identity: 'one' });
    expect(said).not.toHaveProperty('orphan');
  });

  it('knows an orphan whose record was lost by its receipt, or by its file alone', () => {
    const text = anOrphanText([]);
    const unrecorded = aRunningUnit(web, anOrder(), { disk: { loaded: null } });
    expect(report(unrecorded, null, { text })).toMatchObject({ identity: 'one' });
    const bare = aLoadedUnit(web, anOrder(), { disk: { loaded: null } });
    expect(report(bare, null, { text })).toMatchObject({ identity: 'unknown', unitHash: 'hash-a' });
  });
});
