import { expect, test } from 'vitest';
import { machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const [m1, m2] = [machineId(1), machineId(2)];
const pinned = named('pinned');
const everywhere = named('everywhere');

/** Two machines; one unit may only run on the first. */
function running(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2]) cluster.join(id);
  cluster.submit(pinned, { machineId: m1 });
  cluster.submit(everywhere, { global: true });
  cluster.settle();
  return cluster;
}

test('a forgotten machine leaves no order, no member and no wish behind', () => {
  const cluster = running();
  cluster.vanish(m1, 'power');
  cluster.settle();
  expect(cluster.order(m1, everywhere)?.want).toBe('launch');
  cluster.forget(m1);
  cluster.settle();
  const picture = cluster.picture();
  expect(picture.orders.get(m1)?.size ?? 0).toBe(0);
  expect([...picture.members.keys()]).toEqual([m2]);
  expect(picture.forgetting.size).toBe(0);
});

test('a unit that only waited for it is placed nowhere, with the reason', () => {
  const cluster = running();
  cluster.vanish(m1, 'power');
  cluster.settle();
  expect(cluster.placement(pinned)?.machine).toBe(m1);
  cluster.forget(m1);
  cluster.settle();
  expect(cluster.placement(pinned)?.machine).toBeNull();
});

test('a destroyed unit that waited for its word is forgotten too', () => {
  const cluster = running();
  cluster.vanish(m1, 'power');
  cluster.change(pinned, { gone: true });
  cluster.settle();
  expect(cluster.picture().units.has(pinned)).toBe(true);
  cluster.forget(m1);
  cluster.settle();
  expect(cluster.picture().units.has(pinned)).toBe(false);
});

test('a machine that is there is not forgotten', () => {
  const cluster = running();
  cluster.forget(m1);
  cluster.settle();
  expect([...cluster.members().keys()]).toEqual([m1, m2]);
  expect(cluster.order(m1, pinned)?.want).toBe('launch');
  expect(cluster.picture().forgetting.size).toBe(0);
});

test('one that vanished unseen is not forgotten before a leader has written that down', () => {
  const cluster = running();
  cluster.vanish(m1, 'partition');
  cluster.forget(m1);
  const { decisions } = cluster.plan();
  expect(decisions.flatMap(({ changes }) => changes.map(({ kind }) => kind))).not.toContain(
    'forget-member',
  );
  expect(cluster.picture().forgetting.has(m1)).toBe(true);
});

test('one that comes back after all is a new machine, and what runs there runs on', () => {
  const cluster = running();
  cluster.vanish(m1, 'partition');
  cluster.forget(m1);
  cluster.settle();
  const starts = [...cluster.startCounts];
  cluster.comeBack(m1);
  cluster.settle();
  expect(cluster.placement(pinned)?.machine).toBe(m1);
  expect([...cluster.startCounts]).toEqual(starts);
});

test('orders too many for one transaction are taken back in several', () => {
  const cluster = new SimulatedCluster();
  cluster.join(m1);
  const units = Array.from({ length: 250 }, (_, index) => named(`app@${index}`));
  for (const unit of units) cluster.submit(unit);
  cluster.settle();
  cluster.vanish(m1, 'power');
  cluster.settle();
  cluster.forget(m1);
  const { decisions } = cluster.plan();
  const forgotten = decisions.filter(({ subject }) => subject === m1);
  expect(forgotten.map(({ changes }) => changes.length)).toEqual([100, 100, 52]);
  expect(forgotten.at(-1)?.changes.slice(-2)).toEqual([
    { kind: 'forget-member', machine: m1 },
    { kind: 'forget-wish', machine: m1 },
  ]);
});
