import { expect, test } from 'vitest';
import { machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const [m1, m2] = [machineId(1), machineId(2)];
const db = named('db');

function twoMachines(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  cluster.join(m1);
  cluster.join(m2);
  cluster.settle();
  return cluster;
}

test('a new identity starts on another machine only when the old one is confirmed as gone', () => {
  const cluster = twoMachines();
  cluster.submit(db, { machineId: m1 });
  cluster.settle();
  cluster.submit(db, { machineId: m2 });
  cluster.plan();
  expect(cluster.placement(db)?.machine).toBe(m2);
  expect(cluster.order(m1, db)?.want).toBe('gone');
  expect(cluster.order(m2, db)).toBeUndefined();
  cluster.obey(m1);
  cluster.plan();
  expect(cluster.order(m1, db)).toBeUndefined();
  expect(cluster.order(m2, db)?.want).toBe('launch');
});

test('no unit is placed beside a returned copy that it conflicts with, until that is gone', () => {
  const cluster = twoMachines();
  cluster.submit(db, { metadata: [] });
  cluster.settle();
  const home = cluster.placement(db)?.machine ?? m1;
  cluster.failing.add(db); // its next copy does not come up, so the old one stays
  cluster.vanish(home, 'partition');
  cluster.settle();
  cluster.comeBack(home);
  cluster.settle();
  expect(cluster.order(home, db)?.want).toBe('retire');
  const web = named('web');
  cluster.submit(web, { machineId: home });
  cluster.submit(named('rival'), { conflicts: ['db.service'] });
  cluster.settle();
  expect(cluster.placement(web)?.machine).toBe(home);
  expect(cluster.placement(named('rival'))?.machine).toBeNull();
  cluster.nowMs += 300_000;
  cluster.settle();
  expect(cluster.placement(named('rival'))?.machine).toBe(home);
});

test('a global unit comes only when a copy that it conflicts with is gone', () => {
  const cluster = twoMachines();
  cluster.submit(db, { machineId: m1 });
  cluster.settle();
  cluster.change(db, { gone: true });
  const logger = named('logger');
  cluster.submit(logger, { global: true, conflicts: ['db.service'] });
  cluster.plan();
  expect(cluster.order(m1, logger)).toBeUndefined();
  expect(cluster.order(m2, logger)?.want).toBe('launch');
  cluster.obey(m1);
  cluster.plan();
  expect(cluster.order(m1, logger)?.want).toBe('launch');
});

test('a machine that shuts down keeps its global units, and gets no new ones', () => {
  const cluster = twoMachines();
  const [old, late] = [named('old'), named('late')];
  cluster.submit(old, { global: true });
  cluster.settle();
  cluster.setMachine(m1, { leaving: true });
  cluster.submit(late, { global: true });
  cluster.settle();
  expect(cluster.order(m1, old)?.want).toBe('launch');
  expect(cluster.order(m1, late)).toBeUndefined();
  expect(cluster.order(m2, late)?.want).toBe('launch');
});

test('a unit returns to the machine where it still runs when its new machine vanishes too', () => {
  const cluster = twoMachines();
  cluster.join(machineId(3));
  cluster.submit(db);
  cluster.settle();
  const home = cluster.placement(db)?.machine ?? m1;
  cluster.failing.add(db);
  cluster.vanish(home, 'partition');
  cluster.settle();
  cluster.comeBack(home);
  cluster.settle();
  const target = cluster.placement(db)?.machine ?? m2;
  cluster.vanish(target, 'power');
  cluster.plan();
  expect(cluster.placement(db)?.machine).toBe(home);
  expect(cluster.order(home, db)?.want).toBe('launch');
});

test('a replacement that cannot be made leaves everybody where they were', () => {
  const cluster = twoMachines();
  cluster.submit(db);
  cluster.submit(named('a'), { machineId: m1, conflicts: ['db.service'] });
  cluster.settle();
  cluster.submit(named('new'), { replaces: ['db.service'] });
  const before = cluster.picture().placements;
  cluster.plan();
  for (const [unit, placement] of before) expect(cluster.placement(unit)).toEqual(placement);
});
