import { expect, it } from 'vitest';
import { EngineCluster, idAt } from '../../../bench/engine-cluster.ts';
import { unbraked } from '../../../src/engine/brake.ts';
import type { Plan } from '../../../src/engine/plan.ts';
import { Planner } from '../../../src/engine/planner.ts';
import type { MachineId } from '../../../src/model/ids.ts';

const time = { nowMs: 1_000, absenceCountsAtMs: 0, absentForMs: (_machine: MachineId) => 0 };

/** A cluster that is planned and written, and how often each plan stopped on its way. */
class Counted {
  readonly cluster: EngineCluster;
  readonly #planner = new Planner();

  constructor(machineCount: number, unitCount: number) {
    this.cluster = new EngineCluster(machineCount, unitCount, 'a third');
  }

  plan(): Plan & { readonly stepCount: number } {
    const steps = this.#planner.plan(this.cluster.picture(), time, unbraked);
    for (let stepCount = 1; ; stepCount += 1) {
      const { done, value } = steps.next();
      if (done !== true) continue;
      this.cluster.write(value.decisions);
      return { ...value, stepCount };
    }
  }

  settle(): void {
    for (let count = 0; this.plan().decisions.length > 0; count += 1) {
      expect(count).toBeLessThan(10);
    }
  }
}

it('stops at least once for each unit that it asks about', () => {
  expect(new Counted(10, 300).plan().stepCount).toBeGreaterThan(300);
});

it('asks about nobody where nothing has changed', () => {
  const counted = new Counted(10, 300);
  counted.settle();
  expect(counted.plan()).toMatchObject({ decisions: [], wakeAtMs: null, stepCount: 1 });
});

it('asks about no more units of a large cluster than of a small one when a machine dies', () => {
  const [few, many] = [10, 80].map((machineCount) => {
    const counted = new Counted(machineCount, machineCount * 10);
    counted.settle();
    counted.cluster.vanish(idAt(1));
    const { stepCount, decisions } = counted.plan();
    expect(decisions.length).toBeGreaterThan(5);
    return stepCount;
  });
  expect(many).toBeLessThan(2 * (few ?? 0));
});

it('asks about one unit when one is new', () => {
  const counted = new Counted(40, 400);
  counted.settle();
  counted.cluster.submit('new.service' as never, {});
  const { stepCount, decisions } = counted.plan();
  expect(decisions.map(({ subject }) => subject)).toEqual(['new.service']);
  expect(stepCount).toBeLessThan(40); // some for each thing that is asked about the one
});
