import { describe, expect, it } from 'vitest';
import type { ActualUnit } from '../../../src/agent/observe.ts';
import { planMachine } from '../../../src/agent/plan.ts';
import { nextRetry, retryKey } from '../../../src/agent/retry.ts';
import type { BootId, UnitIdentity } from '../../../src/model/ids.ts';
import type { Order } from '../../../src/model/order.ts';
import type { ContentHash } from '../../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import {
  aBook,
  aLoadedUnit,
  anAbsentUnit,
  anOrder,
  anotherOrder,
  aPlanInput,
  aReceipt,
  aRunningUnit,
  db,
  web,
} from '../../builders/agent.ts';

/** What is planned for one unit: kinds of tasks, or the wait. */
function planOf(actual: ActualUnit, order: Order): readonly string[] | string {
  const plan = planMachine(aPlanInput([actual], [[actual.name, order]]));
  return plan.units[0]?.tasks.map(({ kind }) => kind) ?? plan.waits[0]?.reason ?? [];
}

const restarted = anOrder('launch', { restartCount: 1 });
const resubmitted = anOrder('launch', { identity: 'two' as UnitIdentity });
const commented = anOrder('launch', { contentHash: 'text-a2' as ContentHash });
const foreign = { load: 'loaded', fragmentPath: '/lib/systemd/system/web.service' };
const elsewhere = { receipt: { ...aReceipt(web, anOrder()), bootId: 'boot-0' as BootId } };

describe('what an order comes to', () => {
  it.each<[string, ActualUnit, Order, readonly string[] | string]>([
    [
      'a unit never seen is written and linked',
      anAbsentUnit(web),
      anOrder('load'),
      ['write', 'link', 'install'],
    ],
    [
      'a unit never seen is started once it is there',
      anAbsentUnit(web),
      anOrder(),
      ['write', 'link', 'install', 'start'],
    ],
    [
      'a finished oneshot is written after a reboot and not started',
      anAbsentUnit(web),
      anOrder('launch', { finished: true }),
      ['write', 'link', 'install'],
    ],
    [
      'a finished oneshot is left alone',
      aLoadedUnit(web),
      anOrder('launch', { finished: true }),
      [],
    ],
    [
      "a slice that systemd makes up when asked is nobody else's",
      anAbsentUnit('a.slice' as UnitName, { status: { load: 'loaded' } }),
      anOrder('load'),
      ['write', 'link', 'install'],
    ],
    [
      "a slice in use without a file is somebody else's",
      anAbsentUnit('a.slice' as UnitName, { status: { load: 'loaded', active: 'active' } }),
      anOrder('load'),
      'name taken by systemd itself (LoadState loaded)',
    ],
    [
      'links that are due are made',
      aLoadedUnit(web, anOrder(), { disk: { install: 'due' } }),
      anOrder('load'),
      ['install'],
    ],
    [
      'a unit is gone only when systemd was told of its links',
      anAbsentUnit(web, { disk: { install: 'due' } }),
      anOrder('gone'),
      ['install'],
    ],
    ['a loaded unit is started', aLoadedUnit(web), anOrder(), ['start']],
    ['a loaded unit is only loaded', aLoadedUnit(web), anOrder('load'), []],
    ['a running unit is left alone', aRunningUnit(web), anOrder(), []],
    ['a running unit is left alone by load', aRunningUnit(web), anOrder('load'), []],
    ['a retired unit is left alone', aRunningUnit(web), anOrder('retire'), []],
    ['a retired unit is not started', aLoadedUnit(web), anOrder('retire'), []],
    [
      'a lost link is made again',
      aRunningUnit(web, anOrder(), { disk: { link: 'none' } }),
      anOrder(),
      ['link'],
    ],
    ['a stopped unit keeps its file', aRunningUnit(web), anOrder('stop'), ['stop', 'forget']],
    [
      'a stopped unit that is down is forgotten',
      aLoadedUnit(web, anOrder(), { disk: { receipt: aReceipt(web, anOrder()) } }),
      anOrder('stop'),
      ['forget'],
    ],
    [
      'a stop brings a new text at last',
      aLoadedUnit(web),
      anotherOrder('stop'),
      ['write', 'install'],
    ],
    ['a running unit goes', aRunningUnit(web), anOrder('gone'), ['stop', 'reset', 'remove']],
    [
      'a failed unit goes without a stop',
      aRunningUnit(web, anOrder(), { status: { active: 'failed' } }),
      anOrder('gone'),
      ['reset', 'remove'],
    ],
    ['a unit never seen is gone', anAbsentUnit(web), anOrder('gone'), []],
    [
      'a unit that systemd holds after its file went needs a reload',
      aLoadedUnit(web, anOrder(), { disk: { contentHash: null, link: 'none', loaded: null } }),
      anOrder('gone'),
      ['reset', 'reload'],
    ],
    [
      'a start under way is waited for',
      aLoadedUnit(web, anOrder(), { busy: 'start' }),
      anOrder(),
      'is being started',
    ],
    [
      'a start under way is stopped',
      aLoadedUnit(web, anOrder(), { busy: 'start' }),
      anOrder('stop'),
      ['stop'],
    ],
    [
      'a start under way is taken away',
      aLoadedUnit(web, anOrder(), { busy: 'start' }),
      anOrder('gone'),
      ['stop', 'reset', 'remove'],
    ],
    [
      'a stop under way is waited for',
      aRunningUnit(web, anOrder(), { busy: 'stop' }),
      anOrder(),
      'is being stopped',
    ],
  ])('%s', (_title, actual, order, planned) => {
    expect(planOf(actual, order)).toEqual(planned);
  });
});

describe('a receipt', () => {
  it.each<[string, ActualUnit, Order, readonly string[] | string]>([
    [
      'keeps a finished unit finished',
      aRunningUnit(web, anOrder(), { status: { active: 'inactive' } }),
      anOrder(),
      [],
    ],
    [
      'leaves a failed unit to systemd',
      aRunningUnit(web, anOrder(), { status: { active: 'failed' } }),
      anOrder(),
      [],
    ],
    [
      'is written for a unit found running',
      aRunningUnit(web, anOrder(), { disk: { receipt: null } }),
      anOrder(),
      ['receipt'],
    ],
    [
      'of an earlier boot counts for nothing',
      aLoadedUnit(web, anOrder(), { disk: elsewhere }),
      anOrder(),
      ['start'],
    ],
    ['of fewer restarts asks for one', aRunningUnit(web), restarted, ['stop', 'start']],
    [
      'of fewer restarts starts what is down',
      aRunningUnit(web, anOrder(), { status: { active: 'inactive' } }),
      restarted,
      ['start'],
    ],
    [
      'of fewer restarts starts what failed, free of the limit on starts',
      aRunningUnit(web, anOrder(), { status: { active: 'failed' } }),
      restarted,
      ['reset', 'start'],
    ],
    [
      'of more restarts (a store that went back) changes nothing',
      aRunningUnit(web, restarted),
      anOrder(),
      [],
    ],
    [
      'follows the same text under a new identity without a restart',
      aRunningUnit(web),
      resubmitted,
      ['record', 'receipt'],
    ],
  ])('%s', (_title, actual, order, planned) => {
    expect(planOf(actual, order)).toEqual(planned);
  });

  it('is not written while systemd is still starting the unit by itself', () => {
    const starting = { disk: { receipt: null }, status: { active: 'activating' } };
    expect(planOf(aRunningUnit(web, anOrder(), starting), anOrder())).toBe(
      'systemd says activating',
    );
  });

  it('is got by joining the start job that an earlier fleetd left behind', () => {
    const starting = { disk: { receipt: null }, status: { active: 'activating', hasJob: true } };
    expect(planOf(aRunningUnit(web, anOrder(), starting), anOrder())).toEqual(['start']);
  });
});

describe('another text', () => {
  const earlier = 'an earlier unit of this name still runs here';
  it.each<[string, ActualUnit, Order, readonly string[] | string]>([
    ['never replaces that of a running unit', aRunningUnit(web), anotherOrder(), earlier],
    [
      'never replaces that of a unit on its way',
      aRunningUnit(web, anOrder(), { status: { active: 'activating' } }),
      anotherOrder(),
      earlier,
    ],
    [
      'replaces that of a unit that is down',
      aRunningUnit(web, anOrder(), { status: { active: 'inactive' } }),
      anotherOrder(),
      ['write', 'install', 'start'],
    ],
    [
      'makes systemd forget a failed unit first',
      aRunningUnit(web, anOrder(), { status: { active: 'failed' } }),
      anotherOrder(),
      ['reset', 'write', 'install', 'start'],
    ],
    [
      'with other comments only is written and restarts nothing',
      aRunningUnit(web),
      commented,
      ['write', 'install'],
    ],
    [
      'comes back when the file of a running unit was lost',
      aRunningUnit(web, anOrder(), { disk: { contentHash: null, loaded: null, receipt: null } }),
      anOrder(),
      ['write', 'receipt', 'install'],
    ],
    [
      'that systemd has not read yet takes one reload',
      aRunningUnit(web, anOrder(), { status: { needReload: true } }),
      anOrder(),
      ['reload'],
    ],
    [
      'that systemd cannot load takes no reload',
      aLoadedUnit(web, anOrder(), { status: { needReload: true, load: 'bad-setting' } }),
      anOrder('load'),
      [],
    ],
  ])('%s', (_title, actual, order, planned) => {
    expect(planOf(actual, order)).toEqual(planned);
  });
});

describe('a name of somebody else', () => {
  const taken = 'name taken by /lib/systemd/system/web.service';
  it.each(['load', 'launch', 'stop'] as const)('is not touched by %s', (want) => {
    const actual = anAbsentUnit(web, { status: { ...foreign, active: 'active' } });
    expect(planOf(actual, anOrder(want))).toBe(taken);
  });

  it('is not stopped by gone, and only our own files are removed', () => {
    const actual = aRunningUnit(web, anOrder(), { status: foreign });
    expect(planOf(actual, anOrder('gone'))).toEqual(['remove']);
  });

  it('is not replaced when it stands among the run-time units', () => {
    const actual = anAbsentUnit(web, { disk: { link: 'foreign' } });
    expect(planOf(actual, anOrder())).toMatch('name taken by');
  });

  it('is respected when its file is gone and it still runs', () => {
    const actual = anAbsentUnit(web, { status: { active: 'active' } });
    expect(planOf(actual, anOrder())).toMatch('name taken by');
  });
});

describe('a plan', () => {
  it('is empty while the orders are unknown, whatever runs', () => {
    const input = aPlanInput([aRunningUnit(web)], [], { book: null });
    expect(planMachine(input)).toEqual({ units: [], waits: [], nextMs: null });
  });

  it('leaves a unit alone whose order is missing or not understood', () => {
    const book = { ...aBook([[db, anOrder('gone')]]), unreadable: new Set([db]) };
    const input = aPlanInput([aRunningUnit(web), aRunningUnit(db)], [], { book });
    expect(planMachine(input).units).toEqual([]);
  });

  it('starts a unit only when those it waits for have left the machine', () => {
    const orders = [
      [web, anOrder('launch', { after: [db] })],
      [db, anOrder('gone')],
    ] as const;
    const before = planMachine(aPlanInput([aLoadedUnit(web), aRunningUnit(db)], orders));
    expect(before.units.map(({ unit }) => unit)).toEqual([db]);
    expect(before.waits).toEqual([{ unit: web, reason: 'db.service has to be gone first' }]);
    const stopping = aRunningUnit(db, anOrder(), { busy: 'stop' });
    expect(planMachine(aPlanInput([aLoadedUnit(web), stopping], orders)).units).toEqual([]);
    const after = planMachine(aPlanInput([aLoadedUnit(web), anAbsentUnit(db)], orders));
    expect(after.units.map(({ unit }) => unit)).toEqual([web]);
  });

  it('waits for the pause after a failure, and tells when it ends', () => {
    const order = anOrder();
    const failure = { key: retryKey(order), problem: 'exit-code', isRefusal: false };
    const retries = new Map([[web, nextRetry(undefined, failure, 500)]]);
    const input = aPlanInput([aLoadedUnit(web)], [[web, order]], { retries, nowMs: 1_499 });
    expect(planMachine(input)).toEqual({
      units: [],
      waits: [{ unit: web, reason: 'exit-code' }],
      nextMs: 1_500,
    });
    expect(planMachine({ ...input, nowMs: 1_500 }).units).toHaveLength(1);
  });

  it('does not make another order wait for an old failure', () => {
    const failure = { key: retryKey(anOrder()), problem: 'exit-code', isRefusal: false };
    const retries = new Map([[web, nextRetry(undefined, failure, 0)]]);
    const input = aPlanInput([aLoadedUnit(web)], [[web, anOrder('gone')]], { retries });
    expect(planMachine(input).units).toHaveLength(1);
  });

  it('starts nothing on a machine that goes down, and still stops', () => {
    const orders = [
      [web, anOrder()],
      [db, anOrder('stop')],
    ] as const;
    const actual = [aLoadedUnit(web), aRunningUnit(db)];
    const plan = planMachine(aPlanInput(actual, orders, { isLeaving: true }));
    expect(plan.units.map(({ unit }) => unit)).toEqual([db]);
    expect(plan.waits).toEqual([{ unit: web, reason: 'the machine goes down' }]);
  });

  it('gives every task the reason of its order or its own', () => {
    const orders = [
      [web, anOrder()],
      [db, anOrder('gone')],
    ] as const;
    const plan = planMachine(aPlanInput([anAbsentUnit(web), aRunningUnit(db)], orders));
    const tasks = plan.units.flatMap(({ tasks }) => tasks);
    expect(tasks.length).toBeGreaterThan(4);
    expect(tasks.every(({ reason }) => reason.startsWith('ordered '))).toBe(true);
  });
});

describe('pauses after failures', () => {
  it('double from one second to a minute and start again with another order', () => {
    const failure = { key: 'a', problem: 'x', isRefusal: false };
    let retry = nextRetry(undefined, failure, 0);
    const pauses = [retry.notBeforeMs];
    for (let count = 0; count < 8; count += 1) {
      retry = nextRetry(retry, failure, 0);
      pauses.push(retry.notBeforeMs);
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(nextRetry(retry, { ...failure, key: 'b' }, 0).notBeforeMs).toBe(1_000);
  });
});

const kinds = (plan: ReturnType<typeof planMachine>): readonly string[] =>
  plan.units.flatMap(({ tasks }) => tasks.map(({ kind }) => kind));

describe('a unit with OnPartition=stop', () => {
  const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };
  const order = anOrder('launch', { guard });

  it('gets its drop-in before systemd knows it, and starts', () => {
    const plan = planMachine(aPlanInput([anAbsentUnit(web)], [[web, order]]));
    expect(kinds(plan)).toEqual(['write', 'guard', 'link', 'install', 'start']);
  });

  it('gets it anew before each later start, since its token grew', () => {
    const loaded = { name: web, ...order, isGuarded: true };
    const plan = planMachine(
      aPlanInput([aLoadedUnit(web, order, { disk: { loaded } })], [[web, order]]),
    );
    expect(kinds(plan)).toEqual(['guard', 'start']);
  });

  it('waits while the machine is not sure of its lease, and is loaded all the same', () => {
    const whyNoGuarded = 'waits for a renewal';
    const plan = planMachine(aPlanInput([anAbsentUnit(web)], [[web, order]], { whyNoGuarded }));
    expect(kinds(plan)).toEqual(['write', 'guard', 'link', 'install']);
    expect(plan.waits).toEqual([{ unit: web, reason: whyNoGuarded }]);
    const other = planMachine(aPlanInput([aLoadedUnit(db)], [[db, anOrder()]], { whyNoGuarded }));
    expect(kinds(other)).toEqual(['start']);
  });

  it('gets it while it runs, when its order did not ask for it before', () => {
    const plan = planMachine(aPlanInput([aRunningUnit(web)], [[web, order]]));
    expect(kinds(plan)).toEqual(['record', 'guard']);
  });
});

describe('a machine that was cut off for its TTL', () => {
  const whyNoStart = 'cut off';

  it('starts nothing and restarts nothing, and loads what it may start later', () => {
    const plan = planMachine(aPlanInput([anAbsentUnit(web)], [[web, anOrder()]], { whyNoStart }));
    expect(kinds(plan)).toEqual(['write', 'link', 'install']);
    expect(plan.waits).toEqual([{ unit: web, reason: whyNoStart }]);
    const again = anOrder('launch', { restartCount: 1 });
    const restart = planMachine(aPlanInput([aRunningUnit(web)], [[web, again]], { whyNoStart }));
    expect(kinds(restart)).not.toContain('stop');
    expect(kinds(restart)).not.toContain('start');
  });

  it('stops what it is ordered to stop', () => {
    const stop = anOrder('stop');
    const plan = planMachine(aPlanInput([aRunningUnit(web)], [[web, stop]], { whyNoStart }));
    expect(kinds(plan)).toContain('stop');
  });
});
