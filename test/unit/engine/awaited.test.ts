import { expect, test } from 'vitest';
import { planCluster } from '../../../src/engine/plan.ts';
import { applyDecisions } from '../../../src/model/apply-decisions.ts';
import { machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const [m1, m2, m3] = [machineId(1), machineId(2), machineId(3)];
const units = [1, 2, 3].map((number) => named(`app@${number}`));

/** Three machines with a unit each. */
function running(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const id of [m1, m2, m3]) cluster.join(id);
  for (const unit of units) cluster.submit(unit);
  cluster.settle();
  return cluster;
}

test('while absence does not count, nothing is decided about what an absent machine has', () => {
  const cluster = running();
  for (const id of [m1, m2]) cluster.vanish(id, 'partition');
  const { nowMs } = cluster;
  const early = planCluster(cluster.picture(), nowMs, nowMs + 3000);
  expect(early).toEqual({ decisions: [], wakeAtMs: nowMs + 3000 });
});

test('once absence counts, the units of an absent machine move', () => {
  const cluster = running();
  for (const id of [m1, m2]) cluster.vanish(id, 'partition');
  const { nowMs } = cluster;
  const { decisions } = planCluster(cluster.picture(), nowMs + 3000, nowMs + 3000);
  const later = applyDecisions(cluster.picture(), decisions);
  expect(units.map((unit) => later.placements.get(unit)?.machine)).toEqual([m3, m3, m3]);
  expect(later.members.get(m1)?.vanishedMs).toBe(nowMs + 3000);
});

test('absence counts first, then the brake asks whether most are absent', () => {
  const cluster = running();
  cluster.join(machineId(4));
  cluster.settle();
  for (const id of [m1, m2, m3]) cluster.vanish(id, 'partition');
  const { nowMs } = cluster;
  const braking = { rules: { ttlMs: 3000, brakeMs: 60_000 }, overdue: new Set<never>() };
  const early = planCluster(cluster.picture(), nowMs, nowMs + 3000, { braking });
  expect(early).toEqual({ decisions: [], wakeAtMs: nowMs + 3000 });
  const due = planCluster(cluster.picture(), nowMs + 3000, nowMs + 3000, { braking });
  expect(due.wakeAtMs).toBe(nowMs + 63_000);
  const later = applyDecisions(cluster.picture(), due.decisions);
  expect(later.brake?.waiting).toEqual([m1, m2, m3]);
  expect(units.map((unit) => later.placements.get(unit)?.machine)).not.toContain(machineId(4));
});

test('a machine that was recorded as vanished is not awaited', () => {
  const cluster = running();
  cluster.vanish(m1, 'power');
  cluster.settle();
  const { nowMs } = cluster;
  expect(planCluster(cluster.picture(), nowMs, nowMs + 3000)).toMatchObject({ wakeAtMs: null });
});

test('a machine that said that it leaves is not awaited', () => {
  const cluster = running();
  cluster.setMachine(m1, { leaving: true });
  cluster.plan();
  cluster.vanish(m1, 'power');
  const { nowMs } = cluster;
  const { decisions } = planCluster(cluster.picture(), nowMs, nowMs + 3000);
  const later = applyDecisions(cluster.picture(), decisions);
  expect(units.map((unit) => later.placements.get(unit)?.machine)).not.toContain(m1);
});

/** As its leader plans that has seen these machines to be absent for so long. */
function planned(
  cluster: SimulatedCluster,
  absentMs: number,
  ttlMs = 3000,
): ReturnType<typeof planCluster> {
  const braking = { rules: { ttlMs, brakeMs: 60_000 }, overdue: new Set<never>() };
  const { nowMs } = cluster;
  return planCluster(cluster.picture(), nowMs, nowMs, { braking, absentForMs: () => absentMs });
}

test('machines that vanish together have three tenths of a TTL to return', () => {
  const cluster = running();
  for (const id of [m1, m2]) cluster.vanish(id, 'partition');
  expect(planned(cluster, 100)).toEqual({ decisions: [], wakeAtMs: cluster.nowMs + 800 });
  const later = applyDecisions(cluster.picture(), planned(cluster, 900).decisions);
  expect(units.map((unit) => later.placements.get(unit)?.machine)).toEqual([m3, m3, m3]);
  for (const id of [m1, m2]) cluster.comeBack(id);
  expect(planned(cluster, 0).decisions).toEqual([]);
});

test('one that vanishes alone has a tenth of a TTL to return', () => {
  const cluster = running();
  cluster.vanish(m1, 'power');
  expect(planned(cluster, 100)).toEqual({ decisions: [], wakeAtMs: cluster.nowMs + 200 });
  const later = applyDecisions(cluster.picture(), planned(cluster, 300).decisions);
  expect(units.map((unit) => later.placements.get(unit)?.machine)).not.toContain(m1);
  cluster.comeBack(m1);
  expect(planned(cluster, 0).decisions).toEqual([]);
});

test('nobody is waited for longer than a second, however long the TTL is', () => {
  const cluster = running();
  cluster.vanish(m1, 'power');
  expect(planned(cluster, 100, 30_000)).toEqual({ decisions: [], wakeAtMs: cluster.nowMs + 900 });
  cluster.vanish(m2, 'power');
  expect(planned(cluster, 100, 30_000)).toEqual({ decisions: [], wakeAtMs: cluster.nowMs + 900 });
});
