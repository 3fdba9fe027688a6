import { expect, test } from 'vitest';
import { orphanNotices } from '../../../src/daemon/orphan-notices.ts';
import type { ReportRow } from '../../../src/model/catalog.ts';
import { aReport, aUnit, machineId, named } from '../../builders/cluster.ts';

const never = new AbortController().signal;

function row(name: string, active: string): ReportRow {
  const unit = named(name);
  const record = aUnit(unit);
  const orphan = { contentHash: record.contentHash, avoids: [] };
  return { machine: machineId(1), unit, report: { ...aReport(record, { active }), orphan } };
}

function told(...rows: readonly ReportRow[]) {
  return orphanNotices({ readOrphans: async () => rows }, never);
}

test('orphans that run are told by name and machine, those that have stopped are not', async () => {
  expect(await told(row('a', 'inactive'), row('b', 'failed'))).toEqual([]);
  const [notice] = await told(row('c', 'active'), row('a', 'inactive'));
  expect(notice?.text).toBe('1 unit runs without an order: c.service on 11111111');
});
