import { expect, it, test } from 'vitest';
import { rest } from '../../../src/lib/clock.ts';
import {
  patienceMsFor,
  type RenewalOutcome,
  renewInTurns,
} from '../../../src/registry/renewal-turns.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

/** When each try of one TTL begins, if a try takes so long and ends so. */
async function triesWithin(
  ttlMs: number,
  tookMs: number,
  outcome: RenewalOutcome,
): Promise<readonly number[]> {
  const clock = new ManualClock();
  const ending = new AbortController();
  const beganAtMs: number[] = [];
  const turn = async (): Promise<RenewalOutcome> => {
    beganAtMs.push(clock.nowMs());
    await rest(tookMs, clock, ending.signal);
    return outcome;
  };
  const renewing = renewInTurns({ ttlMs, clock, atOnce: false, turn }, ending.signal);
  await clock.pass(ttlMs - 1);
  ending.abort();
  await clock.pass(ttlMs);
  await renewing;
  return beganAtMs;
}

test('a lease is renewed every third of its TTL, however long the answer takes', async () => {
  expect(await triesWithin(9_000, 0, 'renewed')).toEqual([3_000, 6_000]);
  expect(await triesWithin(9_000, 1_000, 'renewed')).toEqual([3_000, 6_000]);
});

it.each([
  [3_000, 500],
  [12_000, 2_000],
  [30_000, 5_000],
  [600_000, 5_000],
])(
  'with a TTL of %i ms a try waits %i ms, so that four or more fit into one',
  async (ttlMs, ms) => {
    expect(patienceMsFor(ttlMs)).toBe(ms);
    const tries = await triesWithin(ttlMs, ms, 'failed');
    expect(tries.length).toBeGreaterThanOrEqual(4);
    expect((tries[1] ?? 0) - (tries[0] ?? 0)).toBe(ms);
  },
);

test('what fails at once is tried again after half a second, and no more often', async () => {
  const tries = await triesWithin(30_000, 0, 'failed');
  expect(tries.slice(0, 3)).toEqual([10_000, 10_500, 11_000]);
});
