import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isBraking } from '../../src/model/brake.ts';
import type { MachineId } from '../../src/model/ids.ts';
import { machineId, named } from '../builders/cluster.ts';
import { SimulatedCluster } from '../builders/simulated-cluster.ts';

const ttlMs = 10_000;
const brakeMs = 60_000;
const ids = Array.from({ length: 8 }, (_, index) => machineId(10 + index));
const units = Array.from({ length: 12 }, (_, index) => named(`app@${index}`));

type Step =
  | { readonly kind: 'vanish' | 'back'; readonly machines: readonly MachineId[] }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'resume' | 'forget'; readonly machine: MachineId };

const someMachines = fc.subarray(ids, { minLength: 1 });
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('vanish'), machines: someMachines }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('back'), machines: someMachines }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait'),
      ms: fc.constantFrom(1, 5_000, 10_000, 20_000, 59_999, 60_000),
    }),
  },
  fc.record({
    kind: fc.constantFrom('resume' as const, 'forget' as const),
    machine: fc.constantFrom(...ids),
  }),
) as fc.Arbitrary<Step>;

function aCluster(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  cluster.braking = { rules: { ttlMs, brakeMs }, overdue: new Set() };
  for (const id of ids) cluster.join(id);
  for (const unit of units) cluster.submit(unit);
  cluster.settle();
  return cluster;
}

function happen(cluster: SimulatedCluster, step: Step): void {
  if (step.kind === 'wait') cluster.nowMs += step.ms;
  else if ('machine' in step) happenTo(cluster, step);
  else if (step.kind === 'back') for (const id of step.machines) cluster.comeBack(id);
  else for (const id of step.machines) cluster.vanish(id, 'partition');
}

function happenTo(
  cluster: SimulatedCluster,
  { kind, machine }: Extract<Step, { machine: MachineId }>,
): void {
  if (kind === 'resume') cluster.resume();
  else cluster.forget(machine);
}

const anyStory = fc.array(anyStep, { minLength: 1, maxLength: 25, size: 'max' });

it('nothing moves off a machine that waits, and each unit of it says that it does', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = aCluster();
      for (const step of story) {
        const before = units.map((unit) => cluster.placement(unit)?.machine ?? null);
        happen(cluster, step);
        expect(cluster.settle()).not.toBeNull();
        const { brake } = cluster.picture();
        if (!isBraking(brake)) continue;
        for (const [index, unit] of units.entries()) {
          const was = before[index] ?? null;
          if (was === null || !brake.waiting.includes(was)) continue;
          expect(cluster.placement(unit)?.machine).toBe(was);
          expect(cluster.placement(unit)?.reason).toContain('waits for the brake');
        }
      }
    }),
    { numRuns: 150 },
  );
});

it('it always ends: left alone, every unit is on a machine that is there', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = aCluster();
      for (const step of story) {
        happen(cluster, step);
        cluster.settle();
      }
      if (cluster.machines.size === 0) cluster.join(machineId(99));
      for (let count = 0; count <= 2 * ids.length + 3; count += 1) {
        const { wakeAtMs } = cluster.plan();
        if (wakeAtMs === null) break;
        cluster.nowMs = wakeAtMs;
        cluster.settle();
      }
      expect(cluster.picture().brake).toBeNull();
      for (const unit of units) {
        expect(cluster.machines.has(cluster.placement(unit)?.machine ?? machineId(0))).toBe(true);
      }
    }),
    { numRuns: 150 },
  );
});

it('while it eases, at most one machine that had units is let go each TTL', () => {
  fc.assert(
    fc.property(fc.subarray(ids, { minLength: 5, maxLength: 7 }), (gone) => {
      const cluster = aCluster();
      const holders = (): number => {
        const places = units.map((unit) => cluster.placement(unit)?.machine);
        return gone.filter((id) => places.includes(id)).length;
      };
      const heldAtFirst = holders();
      for (const id of gone) cluster.vanish(id, 'power');
      cluster.settle();
      cluster.nowMs += brakeMs;
      for (let count = 1; count <= heldAtFirst; count += 1) {
        cluster.settle();
        expect(holders()).toBe(heldAtFirst - count);
        cluster.nowMs += ttlMs;
      }
    }),
    { numRuns: 50 },
  );
});
