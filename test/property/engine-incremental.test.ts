import fc from 'fast-check';
import { expect, test } from 'vitest';
import { unbraked } from '../../src/engine/brake.ts';
import { planCluster } from '../../src/engine/plan.ts';
import { Planner } from '../../src/engine/planner.ts';
import { finished } from '../../src/lib/steps.ts';
import { anyStory, happen } from '../builders/cluster-story.ts';
import { SimulatedCluster } from '../builders/simulated-cluster.ts';
import { anyStory as anyStrangeStory, StrangeCluster } from '../builders/strange-story.ts';

const runs = { numRuns: Number(process.env['FLOTILLA_RUNS'] ?? 200) };

/** Plans twice, and sees that both plans are the same. */
function bothPlanners(): typeof planCluster {
  const planner = new Planner();
  return (picture, nowMs, absenceCountsAtMs = nowMs, circumstances = {}) => {
    const { absentForMs = () => 0, braking = unbraked } = circumstances;
    const plain = planCluster(picture, nowMs, absenceCountsAtMs, circumstances);
    const steps = planner.plan(picture, { nowMs, absenceCountsAtMs, absentForMs }, braking);
    expect(finished(steps)).toEqual(plain);
    return plain;
  };
}

test('asking only about what may have changed comes to the same plan as asking about all', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = new SimulatedCluster();
      cluster.planned = bothPlanners();
      for (const event of story) {
        happen(cluster, event);
        cluster.plan(0); // what nobody writes is planned again
      }
    }),
    runs,
  );
});

test('and so it does in a cluster with orphans, holds, brakes and what nobody understands', () => {
  fc.assert(
    fc.property(anyStrangeStory, (story) => {
      const cluster = new StrangeCluster(bothPlanners());
      for (const event of story) {
        cluster.happen(event);
        cluster.plan(0);
      }
    }),
    runs,
  );
});
