import { expect, test } from 'vitest';
import { judgeClaim, type LeaseSample } from '../../../src/registry/lease-claim.ts';

const ttlMs = 3000;

/** Looks every 300 ms at a lease whose true remaining time is given. */
function looks(
  remainingAt: (ms: number) => number,
  untilMs: number,
  raftTerm = '2',
): LeaseSample[] {
  const samples: LeaseSample[] = [];
  for (let ms = 0; ms <= untilMs; ms += 300) {
    const remainingMs = Math.floor(Math.max(remainingAt(ms), 0) / 1000) * 1000;
    samples.push({ sentAtMs: ms, gotAtMs: ms + 5, remainingMs, grantedMs: ttlMs, raftTerm });
  }
  return samples;
}

test('a lease that only shrinks is never taken for a refreshed one', () => {
  for (let start = 0; start <= ttlMs; start += 100) {
    const samples = looks((ms) => start - ms, start);
    for (let count = 1; count <= samples.length; count += 1) {
      expect(judgeClaim(samples.slice(0, count))).toBe('undecided');
    }
  }
});

test('a lease that is renewed every third of its TTL is seen as refreshed within one TTL', () => {
  for (let phase = 0; phase < 1000; phase += 100) {
    const samples = looks((ms) => ttlMs - ((ms + phase) % 1000), ttlMs);
    expect(judgeClaim(samples)).toBe('refreshed');
  }
});

test('a new etcd leader extends a lease without proving that anybody renews it', () => {
  const before = looks((ms) => 1500 - ms, 900, '2');
  const after = looks((ms) => ttlMs - ms, 900, '3').map((sample) => ({
    ...sample,
    sentAtMs: sample.sentAtMs + 1200,
    gotAtMs: sample.gotAtMs + 1200,
  }));
  expect(judgeClaim([...before, ...after])).toBe('undecided');
  const sameTerm = after.map((sample) => ({ ...sample, raftTerm: '2' }));
  expect(judgeClaim([...before, ...sameTerm])).toBe('refreshed');
});

test('a lease that is still listed after its TTL without having risen was left', () => {
  expect(judgeClaim(looks((ms) => ttlMs - ms, ttlMs + 1200))).toBe('left');
});
