import { expect, test } from 'vitest';
import { judgeSigns, SharedSigns } from '../../../src/registry/vital-signs.ts';

const at = { nowMs: 100_000, ttlMs: 3_000, wedgeMs: 60_000 };

test.each([
  ['both answered a moment ago', 99_000, 99_000, null, false],
  ['the loop is held up for less than a TTL', 97_000, 99_000, null, false],
  ['the loop is held up for more than a TTL', 96_999, 99_000, null, true],
  ['the loop is held up for just wedge_seconds', 40_000, 99_000, null, true],
  ['the loop is stuck for longer', 39_999, 99_000, 'loop', true],
  ['systemd is slow', 99_000, 40_000, null, false],
  ['systemd has not answered for longer', 99_000, 39_999, 'systemd', false],
  ['both are gone: the loop is the reason', 39_000, 39_000, 'loop', true],
  ['the agent does not work yet', 99_000, null, null, false],
] as const)('%s', (_what, loopAtMs, systemdAtMs, withheld, isStuck) => {
  expect(judgeSigns({ loopAtMs, systemdAtMs }, at)).toEqual({ withheld, isStuck });
});

test('signs given on one side are seen on the other', () => {
  const given = new SharedSigns();
  const seen = new SharedSigns(given.memory);
  given.loopTurned(1234.4);
  expect(seen.read()).toEqual({ loopAtMs: 1234, systemdAtMs: null });
  given.systemdAnswered(5678.6);
  expect(seen.read()).toEqual({ loopAtMs: 1234, systemdAtMs: 5679 });
});
