import { expect, test } from 'vitest';
import { planCluster } from '../../../src/engine/plan.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import {
  aMachine,
  anOrder,
  aPicture,
  aPlacement,
  aReport,
  aUnit,
  machineId,
  named,
} from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const [m1, m2, m3] = [machineId(1), machineId(2), machineId(3)];
const db = named('db');

function threeMachines(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2, m3]) cluster.join(id);
  cluster.settle();
  return cluster;
}

function started(cluster: SimulatedCluster, unit: UnitName): typeof m1 {
  cluster.submit(unit);
  cluster.settle();
  return cluster.placement(unit)?.machine ?? m1;
}

test('ties do not all fall to one machine', () => {
  const homes = new Set<string>();
  for (let number = 0; number < 20; number++) {
    homes.add(started(threeMachines(), named(`unit-${number}`)));
  }
  expect(homes.size).toBe(3);
});

test('a unit that cannot be read keeps its placement and its orders, and others avoid it', () => {
  const record = aUnit(db);
  const picture = aPicture({
    units: new Map([[named('web'), aUnit(named('web'), { conflicts: ['db.service'] })]]),
    machines: new Map([[m1, aMachine(m1)]]),
    placements: new Map([[db, aPlacement(record, m1)]]),
    orders: new Map([[m1, new Map([[db, anOrder(record)]])]]),
    unreadable: new Set([db]),
  });
  const { decisions } = planCluster(picture, 0);
  expect(decisions.filter(({ subject }) => subject === db)).toEqual([]);
  const held = decisions.find(({ subject }) => subject === 'web.service');
  expect(held?.reason).toBe('conflicts with db.service');
});

test('whom it avoids stays away as well, while its report or an order of it cannot be read', () => {
  const record = aUnit(db, { conflicts: ['web.service'] });
  const picture = aPicture({
    units: new Map([
      [db, record],
      [named('web'), aUnit(named('web'))],
    ]),
    machines: new Map([[m1, aMachine(m1)]]),
    placements: new Map([[db, aPlacement(record, m1)]]),
    orders: new Map([[m1, new Map([[db, anOrder(record)]])]]),
    unreadable: new Set([db]),
  });
  const held = planCluster(picture, 0).decisions.find(({ subject }) => subject === 'web.service');
  expect(held?.reason).toBe('conflicts with db.service');
});

test('once it is understood again, whom it avoids goes elsewhere, and it stays', () => {
  const [record, other] = [aUnit(db, { conflicts: ['web.service'] }), aUnit(named('web'))];
  const picture = aPicture({
    units: new Map([
      [db, record],
      [named('web'), other],
    ]),
    machines: new Map([
      [m1, aMachine(m1)],
      [m2, aMachine(m2)],
    ]),
    placements: new Map([
      [db, { ...aPlacement(record, m1), sinceMs: 1 }],
      [named('web'), { ...aPlacement(other, m1), sinceMs: 2 }],
    ]),
    orders: new Map([
      [
        m1,
        new Map([
          [db, anOrder(record)],
          [named('web'), anOrder(other)],
        ]),
      ],
    ]),
    reports: new Map([
      [
        m1,
        new Map([
          [db, aReport(record, { active: 'active' })],
          [named('web'), aReport(other, { active: 'inactive', current: 'loaded' })],
        ]),
      ],
    ]),
  });
  const { decisions } = planCluster(picture, 0);
  const placed = decisions.flatMap(({ changes }) =>
    changes.flatMap((change) => (change.kind === 'place' ? [change] : [])),
  );
  expect(placed.map(({ unit, placement }) => [unit, placement.machine])).toEqual([
    ['web.service', m2],
  ]);
});

test('an order without a record is never touched: absence is no order', () => {
  const record = aUnit(db);
  const picture = aPicture({
    machines: new Map([[m1, aMachine(m1)]]),
    placements: new Map([[db, aPlacement(record, m1)]]),
    orders: new Map([[m1, new Map([[db, anOrder(record)]])]]),
    texts: new Set([record.contentHash]),
  });
  const { decisions } = planCluster(picture, 0);
  expect(decisions.map(({ changes }) => changes[0]?.kind)).toEqual(['member']);
});

test('no text is forgotten while any record cannot be read', () => {
  const texts = new Set([aUnit(db).contentHash]);
  const picture = aPicture({ texts, unreadable: new Set([named('web')]) });
  expect(planCluster(picture, 0).decisions).toEqual([]);
  const readable = planCluster({ ...picture, unreadable: new Set() }, 0);
  expect(readable.decisions.map(({ subject }) => subject)).toEqual(['texts']);
});

test('a unit that was never wanted is left alone', () => {
  const picture = aPicture({ units: new Map([[db, aUnit(db, { desired: 'inactive' })]]) });
  expect(planCluster(picture, 0)).toEqual({ decisions: [], wakeAtMs: null });
});

test('what was launched and is to be loaded is stopped; what never was is only loaded', () => {
  const cluster = threeMachines();
  const home = started(cluster, db);
  cluster.change(db, { desired: 'loaded' });
  cluster.settle();
  expect(cluster.order(home, db)?.want).toBe('stop');
  cluster.submit(named('web'), { desired: 'loaded' });
  cluster.settle();
  const other = cluster.placement(named('web'))?.machine ?? m1;
  expect(cluster.order(other, named('web'))?.want).toBe('load');
});

test('a restart reaches the order of the machine, and moves nothing', () => {
  const cluster = threeMachines();
  const home = started(cluster, db);
  cluster.change(db, { restartCount: 1 });
  const { decisions } = cluster.plan();
  expect(decisions.flatMap(({ changes }) => changes.map(({ kind }) => kind))).toEqual(['order']);
  expect(cluster.order(home, db)).toMatchObject({ want: 'launch', restartCount: 1 });
});

test('an unloaded unit is unplaced only when its machine has confirmed', () => {
  const cluster = threeMachines();
  const home = started(cluster, db);
  cluster.change(db, { desired: 'inactive' });
  cluster.plan();
  expect(cluster.order(home, db)?.want).toBe('gone');
  expect(cluster.placement(db)).toBeDefined();
  cluster.obey(home);
  cluster.plan();
  expect(cluster.order(home, db)).toBeUndefined();
  expect(cluster.placement(db)).toBeUndefined();
});

test('a unit that is wanted again waits until its machine took back that it is gone', () => {
  const cluster = threeMachines();
  const home = started(cluster, db);
  cluster.change(db, { desired: 'inactive' });
  cluster.plan();
  cluster.obey(home);
  cluster.change(db, { desired: 'launched' });
  cluster.plan();
  expect(cluster.order(home, db)).toBeUndefined();
  expect(cluster.placement(db)?.machine).toBe(home);
  cluster.obey(home);
  cluster.plan();
  expect(cluster.order(home, db)?.want).toBe('launch');
});

test('an old copy waits five minutes for a new one that fails, and the plan says when to look', () => {
  const cluster = threeMachines();
  const home = started(cluster, db);
  cluster.failing.add(db);
  cluster.vanish(home, 'partition');
  cluster.settle();
  const movedMs = cluster.nowMs;
  cluster.comeBack(home);
  cluster.settle();
  expect(cluster.order(home, db)?.want).toBe('retire');
  expect(cluster.plan().wakeAtMs).toBe(movedMs + 300_000);
  cluster.nowMs = movedMs + 299_999;
  expect(cluster.plan().decisions).toEqual([]);
  cluster.nowMs = movedMs + 300_000;
  cluster.plan();
  expect(cluster.order(home, db)?.want).toBe('gone');
});

test('a resubmitted unit goes elsewhere at once when its old machine is away', () => {
  const cluster = threeMachines();
  const home = started(cluster, db);
  cluster.vanish(home, 'partition');
  const record = cluster.submit(db);
  cluster.plan();
  const target = cluster.placement(db)?.machine ?? home;
  expect(target).not.toBe(home);
  expect(cluster.order(target, db)?.identity).toBe(record.identity);
  expect(cluster.order(home, db)?.want).toBe('gone');
});

test('a target goes where its followers fit too, though another machine has less to do', () => {
  const cluster = threeMachines();
  cluster.setMachine(m2, { metadata: new Map([['disk', 'ssd']]) });
  cluster.submit(named('busy'), { machineId: m2 });
  cluster.settle();
  const metadata = [{ key: 'disk', values: ['ssd'] }];
  cluster.submit(named('backup'), { machineOf: [db], metadata });
  cluster.submit(db);
  cluster.settle();
  expect(cluster.placement(db)?.machine).toBe(m2);
  expect(cluster.placement(named('backup'))?.machine).toBe(m2);
});

test('a target is placed even where no machine suits its follower', () => {
  const cluster = threeMachines();
  cluster.submit(named('backup'), { machineOf: [db], metadata: [{ key: 'disk', values: ['x'] }] });
  started(cluster, db);
  expect(cluster.placement(db)?.machine).not.toBeNull();
  expect(cluster.placement(named('backup'))?.machine).toBeNull();
});

test('a circle of MachineOf is told, and does not keep others from being placed', () => {
  const cluster = threeMachines();
  cluster.submit(named('a'), { machineOf: [named('b')] });
  cluster.submit(named('b'), { machineOf: [named('a')] });
  started(cluster, db);
  const circle = 'MachineOf= goes in a circle: a.service → b.service → a.service';
  expect(cluster.placement(named('a'))).toMatchObject({ machine: null, reason: circle });
  expect(cluster.placement(named('b'))).toMatchObject({ machine: null, reason: circle });
  expect(cluster.placement(db)?.machine).not.toBeNull();
});

test('a unit that replaces one that fits nowhere else is placed elsewhere instead', () => {
  const cluster = threeMachines();
  cluster.submit(db, { machineId: m1 });
  cluster.settle();
  cluster.submit(named('new'), { replaces: ['db.service'] });
  cluster.settle();
  expect(cluster.placement(db)?.machine).toBe(m1);
  expect(cluster.placement(named('new'))?.machine).not.toBe(m1);
});

test('a decision about many machines is split until every part fits a transaction', () => {
  const record = aUnit(db, { version: 2 });
  const old = aUnit(db, { version: 1 });
  const ids = Array.from({ length: 150 }, (_, number) => machineId(number + 100));
  const picture = aPicture({
    units: new Map([[db, record]]),
    machines: new Map(ids.map((id) => [id, aMachine(id)])),
    orders: new Map(ids.map((id) => [id, new Map([[db, anOrder(old)]])])),
  });
  const { decisions } = planCluster(picture, 0);
  expect(Math.max(...decisions.map(({ changes }) => changes.length))).toBeLessThanOrEqual(100);
});

test('members are recorded at first sight, when they vanish, and when they return', () => {
  const cluster = threeMachines();
  expect(cluster.members().get(m1)).toMatchObject({ firstSeenMs: 1_000_000, vanishedMs: null });
  cluster.nowMs += 5;
  cluster.vanish(m1, 'power');
  cluster.settle();
  expect(cluster.members().get(m1)).toMatchObject({ vanishedMs: 1_000_005 });
  cluster.comeBack(m1);
  cluster.settle();
  expect(cluster.members().get(m1)).toMatchObject({ firstSeenMs: 1_000_000, vanishedMs: null });
});

test('a pair that has to stay together finds a machine though others were placed first', () => {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2]) cluster.join(id);
  cluster.submit(named('a'));
  cluster.submit(named('b'), { machineOf: [named('a')] });
  cluster.submit(named('c'), { conflicts: ['a.service'] });
  cluster.submit(named('d'), { conflicts: ['b.service'] });
  cluster.settle();
  const at = (name: string) => cluster.placement(named(name))?.machine ?? null;
  expect(at('a')).not.toBeNull();
  expect([at('b'), at('d')]).toEqual([at('a'), at('c')]);
  expect(at('c')).not.toBe(at('a'));
});

test('metadata changed at run time moves what no longer fits, once, with the reason', () => {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2]) cluster.join(id, { disk: 'ssd' });
  cluster.submit(db, { metadata: [{ key: 'disk', values: ['ssd'] }] });
  cluster.submit(named('side'), { machineOf: [db] });
  cluster.settle();
  const before = cluster.placement(db)?.machine ?? m1;
  cluster.setMachine(before, { metadata: new Map([['disk', 'hdd']]) });
  const { decisions } = cluster.plan();
  expect(decisions.map(({ subject }) => subject)).toEqual([db]);
  const after = cluster.placement(db);
  expect(after?.machine).toBe(before === m1 ? m2 : m1);
  expect(after?.reason).toBe(`left ${before.slice(0, 8)}: metadata disk=ssd is missing`);
  expect(cluster.placement(named('side'))?.machine).toBe(after?.machine);
  cluster.settle();
  cluster.setMachine(before, { metadata: new Map([['disk', 'ssd']]) });
  expect(cluster.plan().decisions).toEqual([]);
});

/** The units that each decision places, such as `['a.service b.service']`. */
function placedTogether({ decisions }: ReturnType<SimulatedCluster['plan']>): string[] {
  const units = decisions.map(({ changes }) =>
    changes.flatMap((change) => (change.kind === 'place' ? [change.unit] : [])).sort(),
  );
  return units.filter((some) => some.length > 0).map((some) => some.join(' '));
}

test('a chain of MachineOf moves as one, in one decision, when its machine dies', () => {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2]) cluster.join(id);
  cluster.submit(named('c'), { machineOf: [named('b')] });
  cluster.submit(named('b'), { machineOf: [named('a')] });
  cluster.submit(named('a'));
  expect(placedTogether(cluster.plan())).toEqual(['a.service b.service c.service']);
  cluster.settle();
  const before = cluster.placement(named('a'))?.machine ?? m1;
  cluster.vanish(before, 'power');
  expect(placedTogether(cluster.plan())).toEqual(['a.service b.service c.service']);
  const after = ['a', 'b', 'c'].map((name) => cluster.placement(named(name))?.machine);
  expect(new Set(after)).toEqual(new Set([before === m1 ? m2 : m1]));
});

test('Replaces is one decision: who comes and who makes room', () => {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2]) cluster.join(id);
  cluster.submit(named('old'));
  cluster.settle();
  cluster.submit(named('new'), { replaces: ['old.service'] });
  expect(placedTogether(cluster.plan())).toEqual(['new.service old.service']);
});

test('a global unit goes by metadata and conflicts, and follows both when they change', () => {
  const cluster = new SimulatedCluster();
  const holders = (): string[] =>
    [...cluster.copies].flatMap(([id, copies]) => (copies.has(named('all')) ? [id] : [])).sort();
  for (const id of [m1, m2]) cluster.join(id, { disk: 'ssd' });
  cluster.join(machineId(3), { disk: 'hdd' });
  const metadata = [{ key: 'disk', values: ['ssd'] }];
  cluster.submit(db, { machineId: m2 });
  cluster.settle();
  cluster.submit(named('all'), { global: true, metadata, conflicts: ['db.service'] });
  cluster.settle();
  expect(holders()).toEqual([m1]);
  cluster.setMachine(machineId(3), { metadata: new Map([['disk', 'ssd']]) });
  cluster.change(db, { gone: true });
  cluster.settle();
  expect(holders()).toEqual([m1, m2, machineId(3)]);
  cluster.setMachine(m1, { metadata: new Map() });
  cluster.settle();
  expect(holders()).toEqual([m2, machineId(3)]);
});
