import { expect, test } from 'vitest';
import { planCluster } from '../../../src/engine/plan.ts';
import { applyDecisions } from '../../../src/model/apply-decisions.ts';
import type { StateReport } from '../../../src/model/report.ts';
import {
  aMachine,
  anOrder,
  aPicture,
  aPlacement,
  aReport,
  aUnit,
  machineId,
  named,
} from '../../builders/cluster.ts';

const m1 = machineId(1);
const db = named('db');
const record = aUnit(db, { metadata: [{ key: 'disk', values: ['ssd'] }] });

/** Where it is after a plan, when its machine has lost the metadata and there is no other. */
function seatWith(report: Partial<StateReport> | null) {
  const reports = new Map(report === null ? [] : [[db, aReport(record, report)]]);
  const picture = aPicture({
    machines: new Map([[m1, aMachine(m1)]]),
    units: new Map([[db, record]]),
    placements: new Map([[db, aPlacement(record, m1)]]),
    orders: new Map([[m1, new Map([[db, anOrder(record)]])]]),
    reports: new Map([[m1, reports]]),
    texts: new Set([record.contentHash]),
  });
  return applyDecisions(picture, planCluster(picture, 0).decisions).placements.get(db);
}

test('what runs is left where it no longer fits, with the reason', () => {
  const reason = 'metadata disk=ssd is missing; it fits nowhere else';
  expect(seatWith({ active: 'active' })).toMatchObject({ machine: m1, reason });
  expect(seatWith({ active: 'activating' })).toMatchObject({ machine: m1, reason });
});

test('so is what its machine has not reported yet: it may run', () => {
  expect(seatWith(null)?.machine).toBe(m1);
});

test.each(['failed', 'inactive'])('what is %s is not kept there', (active) => {
  expect(seatWith({ active })?.machine).toBeNull();
});
