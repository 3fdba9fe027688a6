import { expect } from 'vitest';
import { unbraked } from '../../src/engine/brake.ts';
import { planCluster } from '../../src/engine/plan.ts';
import { Planner } from '../../src/engine/planner.ts';
import { finished } from '../../src/lib/steps.ts';

/** Plans twice, with the plain planner and the leader's, and sees that both plans are the same. */
export function bothPlanners(): typeof planCluster {
  const planner = new Planner();
  return (picture, nowMs, absenceCountsAtMs = nowMs, circumstances = {}) => {
    const { absentForMs = () => 0, braking = unbraked } = circumstances;
    const plain = planCluster(picture, nowMs, absenceCountsAtMs, circumstances);
    const steps = planner.plan(picture, { nowMs, absenceCountsAtMs, absentForMs }, braking);
    expect(finished(steps)).toEqual(plain);
    return plain;
  };
}
