import { expect, test } from 'vitest';
import { LeaseAge } from '../../../src/agent/lease-age.ts';
import { ManualClock } from '../../builders/manual-clock.ts';

function aLease(ttlMs: number) {
  let tell: (sentAtMs: number) => void = () => undefined;
  const lease = {
    ttlMs,
    onRenewed: (listener: (sentAtMs: number) => void) => {
      tell = listener;
    },
    onLost: () => undefined,
  };
  return { lease, renew: (sentAtMs: number) => tell(sentAtMs) };
}

test('units start until the last renewal is as old as the TTL, and again with the next one', async () => {
  const clock = new ManualClock();
  const { lease, renew } = aLease(3_000);
  let nudgeCount = 0;
  const age = new LeaseAge(lease, clock, () => {
    nudgeCount += 1;
  });
  expect(age.whyNoStart()).toContain('cut off');
  renew(0);
  expect([age.whyNoStart(), nudgeCount]).toEqual([null, 1]);
  await clock.pass(2_999);
  renew(1_000);
  renew(500); // an answer that was overtaken
  expect([age.whyNoStart(), nudgeCount]).toEqual([null, 1]);
  await clock.pass(1_001);
  expect(age.whyNoStart()).toContain('cut off');
  renew(3_500);
  expect([age.whyNoStart(), nudgeCount]).toEqual([null, 2]);
});

test('an agent without a lease starts what it is told to', () => {
  expect(new LeaseAge(null, new ManualClock(), () => undefined).whyNoStart()).toBeNull();
});
