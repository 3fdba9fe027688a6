import { describe, expect, it } from 'vitest';
import { limits } from '../../../src/engine/limits.ts';
import { planCluster } from '../../../src/engine/plan.ts';
import { applyDecisions } from '../../../src/model/apply-decisions.ts';
import type { ClusterPicture } from '../../../src/model/cluster-picture.ts';
import { aMachine, aPicture, aUnit, machineId, named } from '../../builders/cluster.ts';

const waitingCount = 1000;

/** A cluster in which a thousand units wait for a metadata that no machine has, all decided. */
function aCrowd(nowMs: number): ClusterPicture {
  const ids = [1, 2, 3, 4, 5].map(machineId);
  const metadata = [{ key: 'disk', values: ['ssd'] }];
  const names = Array.from({ length: waitingCount }, (_, index) => named(`web@${index}`));
  const picture = aPicture({
    machines: new Map(ids.map((id) => [id, aMachine(id)])),
    units: new Map(names.map((name) => [name, aUnit(name, { metadata })])),
  });
  return applyDecisions(picture, planCluster(picture, nowMs).decisions);
}

function without(picture: ClusterPicture, number: number): ClusterPicture {
  const machines = new Map(picture.machines);
  machines.delete(machineId(number));
  return { ...picture, machines };
}

function placeCount(decisions: ReturnType<typeof planCluster>['decisions']): number {
  return decisions.flatMap(({ changes }) => changes).filter(({ kind }) => kind === 'place').length;
}

describe('objections of units that wait', () => {
  it('are not written when only the number of machines changed a moment ago', () => {
    const plan = planCluster(without(aCrowd(0), 5), 1000);
    expect(placeCount(plan.decisions)).toBe(0);
    expect(plan.wakeAtMs).toBe(limits.refreshUnitMs);
  });

  it('are written a few at a time, until all are true, by one leader or by several', () => {
    let picture = without(aCrowd(0), 5);
    let nowMs: number = limits.refreshUnitMs;
    const writes: number[] = [];
    for (let passCount = 0; passCount < 100; passCount += 1) {
      const plan = planCluster(picture, nowMs);
      picture = applyDecisions(picture, plan.decisions);
      expect(planCluster(picture, nowMs).decisions).toEqual([]);
      if (plan.wakeAtMs === null) break;
      writes.push(placeCount(plan.decisions));
      nowMs = plan.wakeAtMs;
    }
    expect(Math.max(...writes)).toBeLessThanOrEqual(limits.refreshCountMax);
    expect(nowMs).toBeLessThanOrEqual(limits.refreshUnitMs + 10 * limits.refreshWindowMs);
    const counts = [...picture.placements.values()].map(({ objections }) => objections[0]?.count);
    expect(new Set(counts)).toEqual(new Set([4]));
  });

  it('are written at once when there are other reasons, as far as few units are concerned', () => {
    const picture = aCrowd(0);
    const some = new Map([...picture.units].slice(0, 3));
    const machines = new Map(picture.machines);
    machines.set(machineId(5), aMachine(machineId(5), {}, { leaving: true }));
    const plan = planCluster({ ...picture, units: some, machines }, 1000);
    expect(placeCount(plan.decisions)).toBe(3);
  });

  it('do not hold up a decision: what fits now is placed at once', () => {
    const picture = aCrowd(0);
    const machines = new Map(picture.machines);
    machines.set(machineId(6), aMachine(machineId(6), { disk: 'ssd' }));
    const plan = planCluster({ ...picture, machines }, 1000);
    expect(placeCount(plan.decisions)).toBe(waitingCount);
  });

  it('of a leader whose clock was ahead are written again all the same', () => {
    const ahead = without(aCrowd(1_000_000), 5);
    expect(placeCount(planCluster(ahead, 1000).decisions)).toBe(limits.refreshCountMax);
  });
});
