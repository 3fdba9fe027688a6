import { expect, test } from 'vitest';
import { type Heap, heapTidyLimits, keepHeapTidy } from '../../../src/lib/heap-tidy.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

const { lookEveryMs, passEveryMs, passCount, growthBytesMin, oldBytesMax } = heapTidyLimits;
const seriesMs = passCount * passEveryMs;
const mega = 1024 * 1024;

/** A heap of that size, under `keepHeapTidy`; how often it was collected. */
function tidied(start: { totalBytes: number; oldBytes: number; isQuiet: boolean }) {
  const state = { ...start, collectCount: 0 };
  const heap: Heap = {
    totalBytes: () => state.totalBytes,
    oldBytes: () => state.oldBytes,
    isQuiet: () => state.isQuiet,
    collect: () => {
      state.collectCount += 1;
    },
  };
  const clock = new ManualClock();
  const ending = new AbortController();
  const running = keepHeapTidy(heap, clock, ending.signal);
  return { state, clock, ending, running };
}

const idle = { totalBytes: 15 * mega, oldBytes: 10 * mega, isQuiet: true };

test('what starting left behind is given back once, and no more while nothing grows', async () => {
  const { state, clock } = tidied(idle);
  await clock.pass(lookEveryMs - 1);
  expect(state.collectCount).toBe(0);
  await clock.pass(1 + seriesMs);
  expect(state.collectCount).toBe(passCount);
  await clock.pass(100 * lookEveryMs);
  expect(state.collectCount).toBe(passCount);
});

test('so is what a burst of work left behind', async () => {
  const { state, clock } = tidied(idle);
  await clock.pass(lookEveryMs + seriesMs);
  state.totalBytes += growthBytesMin;
  await clock.pass(lookEveryMs + seriesMs);
  expect(state.collectCount).toBe(2 * passCount);
});

test.each([
  ['a loop that is busy', { isQuiet: false }],
  ['a heap so large that a pass would hold up the loop', { oldBytes: oldBytesMax + 1 }],
])('%s is left alone', async (_what, change) => {
  const { state, clock } = tidied({ ...idle, ...change });
  await clock.pass(10 * lookEveryMs);
  expect(state.collectCount).toBe(0);
  Object.assign(state, idle);
  await clock.pass(lookEveryMs + seriesMs);
  expect(state.collectCount).toBe(passCount);
});

test('it ends when it is told to', async () => {
  const { clock, ending, running } = tidied(idle);
  await clock.pass(lookEveryMs + 1);
  ending.abort();
  await running;
  expect(clock.pendingCount).toBe(0);
});
