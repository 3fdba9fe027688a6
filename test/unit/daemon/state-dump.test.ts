import { expect, it } from 'vitest';
import { type DaemonState, dumpLines } from '../../../src/daemon/state-dump.ts';
import type { Revision } from '../../../src/model/ids.ts';
import type { Order } from '../../../src/model/order.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { MemorySession } from '../../builders/memory-session.ts';
import { anOrder } from '../../contract/ledger-subject.ts';

function aState(orderCount: number): DaemonState {
  const orders = new Map<UnitName, Order>();
  for (let number = 0; number < orderCount; number += 1) {
    orders.set(`unit-${number}.service` as UnitName, anOrder());
  }
  return {
    machine: '1'.repeat(32),
    version: '0.1.0',
    lease: null,
    session: null,
    book: {
      ...{ revision: 5n as Revision, orders, revisions: new Map() },
      unreadable: new Set(['bad.service' as UnitName]),
    },
    pass: null,
  };
}

it('a dump names every order, and those that are not understood', () => {
  const lines = dumpLines(aState(3)).filter(({ part }) => part === 'orders');
  expect(lines).toMatchObject([{ count: 4, omittedCount: 0 }]);
  expect(lines[0]?.items).toMatchObject([
    { unit: 'unit-0.service', want: 'launch' },
    { unit: 'unit-1.service' },
    { unit: 'unit-2.service' },
    { unit: 'bad.service', unreadable: true },
  ]);
});

it('each line of a dump fits the journal, and a huge dump is cut with a count', () => {
  const lines = dumpLines(aState(5_000)).filter(({ part }) => part === 'orders');
  expect(lines.length).toBeGreaterThan(1);
  for (const line of lines) {
    expect(Buffer.byteLength(JSON.stringify(line))).toBeLessThan(32 * 1024);
    expect([line.count, line.omittedCount]).toEqual([5_001, 3_001]);
  }
  expect(lines.flatMap(({ items }) => items)).toHaveLength(2_000);
});

it('only the leader dumps the cluster', () => {
  const picture = {
    revision: 9n as Revision,
    units: new Map(),
    machines: new Map(),
    members: new Map(),
    brake: null,
    resumedMs: null,
    forgetting: new Set<never>(),
    placements: new Map(),
    orders: new Map(),
    reports: new Map(),
    removals: new Map(),
    texts: new Set<never>(),
    unreadable: new Set<never>(),
  };
  const parts = (state: DaemonState) => dumpLines(state).map(({ part }) => part);
  expect(parts(aState(0))).toEqual(['daemon', 'orders', 'jobs', 'waits']);
  const leading = { ...aState(0), session: new MemorySession(picture, 7n) };
  expect(parts(leading)).toContain('cluster');
  expect(dumpLines(leading)[0]?.items).toMatchObject([{ term: '7' }]);
});
