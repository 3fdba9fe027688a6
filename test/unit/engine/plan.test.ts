import { expect, test } from 'vitest';
import { machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const [m1, m2, m3] = [machineId(1), machineId(2), machineId(3)];

function threeMachines(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2, m3]) cluster.join(id);
  return cluster;
}

test('three instances of one template land on three machines', () => {
  const cluster = threeMachines();
  const units = [named('web@1'), named('web@2'), named('web@3')];
  for (const unit of units) cluster.submit(unit);
  expect(cluster.settle()).not.toBeNull();
  const machines = units.map((unit) => cluster.placement(unit)?.machine);
  expect(machines.sort()).toEqual([m1, m2, m3]);
});

test('a unit whose machine vanishes runs elsewhere, and its old order is retired', () => {
  const cluster = threeMachines();
  const unit = named('db');
  cluster.submit(unit);
  cluster.settle();
  const before = cluster.placement(unit)?.machine ?? m1;
  cluster.vanish(before, 'power');
  cluster.settle();
  const after = cluster.placement(unit);
  expect(after?.machine).not.toBe(before);
  expect(after?.reason).toBe(`machine ${before.slice(0, 8)} vanished`);
  expect(cluster.order(before, unit)?.want).toBe('retire');
  cluster.comeBack(before);
  cluster.settle();
  expect(cluster.order(before, unit)).toBeUndefined();
});

test('a destroyed unit ends with nothing left of it', () => {
  const cluster = threeMachines();
  const unit = named('db');
  cluster.submit(unit);
  cluster.settle();
  cluster.change(unit, { gone: true });
  cluster.settle();
  const picture = cluster.picture();
  expect(picture.units.size).toBe(0);
  expect(picture.placements.size).toBe(0);
  expect(picture.texts.size).toBe(0);
  expect([...picture.orders.values()].flatMap((orders) => [...orders])).toEqual([]);
});
