import { describe, expect, it } from 'vitest';
import {
  atLeast,
  atMost,
  atMostAbove,
  atMostTimes,
  median,
  quantile,
  told,
} from '../../../bench/goal.ts';
import { tableOf } from '../../../bench/result.ts';

const took = { what: 'start', value: 1.25, unit: 's' };
const bare = { what: 'bare loop', value: 1, unit: 's' };

describe('goals', () => {
  it.each([
    [atMost(took, 1.25), true],
    [atMost(took, 1.24), false],
    [atLeast(took, 1.25), true],
    [atLeast(took, 1.26), false],
    [atMostTimes(took, 1.25, bare), true],
    [atMostTimes(took, 1.2, bare), false],
    [atMostAbove(took, 0.25, bare), true],
    [atMostAbove(took, 0.2, bare), false],
    [told(took, bare), null],
  ])('%o is met: %s', (row, isMet) => {
    expect(row.isMet).toBe(isMet);
  });

  it('are missed when there is no figure', () => {
    expect(atMost({ ...took, value: Number.NaN }, 1).isMet).toBe(false);
    expect(atLeast({ ...took, value: Number.NaN }, 1).isMet).toBe(false);
  });

  it('compare what is of one unit', () => {
    expect(() => atMostTimes(took, 2, { ...bare, unit: 'ms' })).toThrow('is in s');
  });

  it.each([
    [[3, 1, 2], 0.5, 2],
    [[4, 3, 2, 1], 0.5, 2],
    [[1, 2, 3, 4], 0.99, 4],
    [[1], 0, 1],
  ])('of %j the quantile %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
    if (share === 0.5) expect(median(values)).toBe(expected);
  });
});

describe('the table', () => {
  it('has a line a row, and says what failed', () => {
    const run = { loadBefore: 0, tookSeconds: 1 };
    const lines = tableOf([
      { ...run, part: 'one', rows: [atMostTimes(took, 1.2, bare), told(bare)], failure: null },
      { ...run, part: 'two', rows: [], failure: 'no etcd' },
    ]);
    expect(lines.map((line) => line.replace(/ {2,}/g, ' | '))).toEqual([
      'PART | WHAT | MEASURED | BESIDE | GOAL | MET',
      'one | start | 1.25 s | 1 s (bare loop) | at most 1.2 × beside | NO',
      'one | bare loop | 1 s | - | - | -',
      'two | failed: no etcd',
    ]);
  });
});
