import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Clock } from '../../../src/lib/clock.ts';
import { finished, inTurns, type Steps, sorted } from '../../../src/lib/steps.ts';

it('sorts as an array does, equal items as they came', () => {
  const anyItems = fc.array(fc.record({ key: fc.nat(50), at: fc.nat() }), { maxLength: 3000 });
  fc.assert(
    fc.property(anyItems, (items) => {
      const byKey = (one: { key: number }, other: { key: number }): number => one.key - other.key;
      expect(finished(sorted(items, byKey))).toEqual([...items].sort(byKey));
    }),
    { numRuns: 30 },
  );
});

it('lets others have their turn when its own has taken too long', async () => {
  let nowMs = 0;
  let turnCount = 1;
  const clock: Clock = {
    nowMs: () => nowMs,
    wallMs: () => nowMs,
    after: (_ms, run) => {
      turnCount += 1;
      queueMicrotask(run);
      return () => undefined;
    },
  };
  function* slow(): Steps<string> {
    for (let count = 0; count < 96; count += 1) {
      nowMs += 1;
      yield;
    }
    return 'done';
  }
  expect(await inTurns(slow(), 10, clock, new AbortController().signal)).toBe('done');
  expect(turnCount).toBe(7); // it looks at the clock at every sixteenth step
});

it('ends between two turns when it is told to', async () => {
  const ending = new AbortController();
  const clock: Clock = {
    nowMs: () => performance.now() * 1_000,
    wallMs: () => 0,
    after: (_ms, run) => {
      ending.abort();
      queueMicrotask(run);
      return () => undefined;
    },
  };
  function* endless(): Steps {
    for (;;) yield;
  }
  expect(await inTurns(endless(), 1, clock, ending.signal)).toBeNull();
});
