import { expect, test } from 'vitest';
import type { MachineId, Revision } from '../../../src/model/ids.ts';
import { standDelayMs } from '../../../src/registry/election.ts';

const machines = Array.from({ length: 1000 }, (_, index) => `machine-${index}` as MachineId);

test('in a small cluster nobody waits to stand', () => {
  for (const machine of machines) expect(standDelayMs(machine, 7n as Revision, 5)).toBe(0);
});

test('in a big cluster a few stand at once and the others within 200 ms', () => {
  const delays = machines.map((machine) => standDelayMs(machine, 7n as Revision, machines.length));
  const atOnce = delays.filter((delayMs) => delayMs === 0).length;
  expect(atOnce).toBeGreaterThan(0);
  expect(atOnce).toBeLessThan(20);
  expect(Math.max(...delays)).toBeLessThanOrEqual(200);
});

test('the order changes from term to term', () => {
  const first = standDelayMs(machines[0] ?? ('' as MachineId), 7n as Revision, 1000);
  expect(standDelayMs(machines[0] ?? ('' as MachineId), 8n as Revision, 1000)).not.toBe(first);
});
