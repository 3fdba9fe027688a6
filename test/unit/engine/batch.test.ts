import { expect, test } from 'vitest';
import { toBatches } from '../../../src/engine/batch.ts';
import type { Decision } from '../../../src/model/change.ts';
import { named } from '../../builders/cluster.ts';

function aDecision(subject: string, changeCount: number): Decision {
  const change = { kind: 'unplace' as const, unit: named(subject) };
  return { subject, reason: 'a test', changes: Array.from({ length: changeCount }, () => change) };
}

test('batches keep the order of decisions and never hold more changes than allowed', () => {
  const decisions = [aDecision('a', 2), aDecision('b', 3), aDecision('c', 4), aDecision('d', 1)];
  const { batches } = toBatches(decisions, 5);
  expect(batches.map((batch) => batch.map(({ subject }) => subject))).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ]);
});

test('a decision that fits into no batch is handed back whole, and the others are written', () => {
  const { batches, oversized } = toBatches([aDecision('big', 6), aDecision('small', 1)], 5);
  expect(oversized.map(({ subject }) => subject)).toEqual(['big']);
  expect(batches.flat().map(({ subject }) => subject)).toEqual(['small']);
});

test('no decisions make no batch', () => {
  expect(toBatches([], 5)).toEqual({ batches: [], oversized: [] });
});
