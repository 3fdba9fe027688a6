import { expect, test } from 'vitest';
import { groupObjections } from '../../../src/engine/objections.ts';
import { machineId } from '../../builders/cluster.ts';

test('objections are grouped by their words, counted, the most frequent first', () => {
  const said = [3, 1, 2, 5, 4].map((number) => ({ machine: machineId(number), why: 'no disk' }));
  const objections = groupObjections([{ machine: machineId(6), why: 'conflict' }, ...said]);
  expect(objections).toEqual([
    { why: 'no disk', count: 5, machines: [machineId(1), machineId(2), machineId(3)] },
    { why: 'conflict', count: 1, machines: [machineId(6)] },
  ]);
});

test('a thousand different objections take at most 1 KiB, and none is left uncounted', () => {
  const said = Array.from({ length: 1000 }, (_, number) => ({
    machine: machineId(number + 1),
    why: `conflicts with a-rather-long-name-of-a-unit@${number}.service`,
  }));
  const objections = groupObjections(said);
  expect(Buffer.byteLength(JSON.stringify(objections))).toBeLessThanOrEqual(1024);
  expect(objections.reduce((sum, { count }) => sum + count, 0)).toBe(1000);
  expect(objections.at(-1)?.why).toMatch(/^\d+ other reasons$/);
});

test('one endless objection is cut', () => {
  const objections = groupObjections([{ machine: machineId(1), why: 'x'.repeat(5000) }]);
  expect(Buffer.byteLength(JSON.stringify(objections))).toBeLessThanOrEqual(1024);
});
