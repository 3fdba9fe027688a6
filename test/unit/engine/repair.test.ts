import { expect, test } from 'vitest';
import { Planner } from '../../../src/engine/planner.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const time = { nowMs: 1_000, absenceCountsAtMs: 0, absentForMs: (): number => 5_000 };
const fillerCount = 1_010;

/** The decisions of a first plan, and how often others could have had the loop meanwhile. */
function planned(cluster: SimulatedCluster) {
  const steps = new Planner().plan(cluster.picture(), time, cluster.braking);
  for (let stepCount = 0; ; stepCount += 1) {
    const { done, value } = steps.next();
    if (done === true) return { stepCount, decisions: value.decisions };
  }
}

/** Two machines, so many units that go anywhere, and others that avoid these. */
function aCluster(units: Readonly<Record<string, readonly string[]>>): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const id of [machineId(1), machineId(2)]) cluster.join(id);
  for (let number = 1; number <= fillerCount; number += 1) cluster.submit(named(`any-${number}`));
  for (const [name, conflicts] of Object.entries(units)) {
    cluster.submit(named(name), { conflicts });
  }
  return cluster;
}

test('making room among all that were just placed lets others have the loop in between', () => {
  // Both find a machine first, one each: the third has to bring them together.
  const avoided = { left: [], right: [] };
  const without = planned(aCluster(avoided));
  const avoids = ['left.service', 'right.service'];
  const last = Array.from({ length: 100 }, (_, number) => `last-${number}`).find((name) => {
    const { decisions } = planned(aCluster({ ...avoided, [name]: avoids }));
    return decisions.some(({ subject, reason }) => {
      return subject === (named(name) as UnitName) && reason === 'others made room';
    });
  });
  expect(last).toBeDefined();
  const { stepCount } = planned(aCluster({ ...avoided, [last ?? '']: avoids }));
  expect(stepCount - without.stepCount).toBeGreaterThan(2 * fillerCount);
});
