import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { simulate } from './simulation.ts';

const minuteMs = 60_000;
const testMs = 5 * minuteMs;
/** How many seeds, and how long faults happen in each. */
const seedCount = Number(process.env['FLOTILLA_SEEDS'] ?? 50);
const faultyMs = minuteMs;

const remembered = readFileSync(join(import.meta.dirname, 'seeds.txt'), 'utf8')
  .split('\n')
  .filter((line) => /^\d/.test(line))
  .map((line) => {
    const [seed = '', minutes = '', ...story] = line.split(' ');
    return { seed: Number(seed), minutes: Number(minutes), story: story.join(' ') };
  });

async function twice(seed: number, forMs: number): Promise<void> {
  const first = await simulate({ seed, faultyMs: forMs });
  const trace = first.violations.length === 0 ? [] : first.lastLines.slice(-30);
  expect([...trace, ...first.violations], `seed ${seed}`).toEqual([]);
  const second = await simulate({ seed, faultyMs: forMs });
  expect(second.digest, `seed ${seed} did something else the second time`).toBe(first.digest);
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a cluster under a seed', () => {
  test('keeps every promise while faults happen, and settles when they end', {
    timeout: testMs,
  }, async () => {
    const timers = vi.spyOn(globalThis, 'setTimeout');
    for (let seed = 1; seed <= seedCount; seed += 1) await twice(seed, faultyMs);
    expect(timers, 'a real timer was set').not.toHaveBeenCalled();
  });

  test.each(remembered)('seed $seed: $story', { timeout: testMs }, async ({ seed, minutes }) => {
    await twice(seed, minutes * minuteMs);
  });
});
