import { expect, it } from 'vitest';
import { callsForStop } from '../../../src/agent/called-for.ts';
import { anOrder, anotherOrder, aRunningUnit, thisBoot, web } from '../../builders/agent.ts';

const running = aRunningUnit(web);

it.each([
  ['an order to stop', anOrder('stop'), true],
  ['an order to be gone', anOrder('gone'), true],
  ['a restart', anOrder('launch', { restartCount: 1 }), true],
  ['an order for another text', anotherOrder('launch'), true],
  ['no order', undefined, false],
  ['the order by which it runs', anOrder('launch'), false],
  ['an older count of restarts', anOrder('launch', { restartCount: -1 }), false],
  ['an order to wait for another machine', anOrder('retire'), false],
  ['an order to load it', anOrder('load'), false],
])('whether %s calls for a stop of a running unit: %#', (_what, order, expected) => {
  expect(callsForStop(order, running, thisBoot)).toBe(expected);
});

it('a unit that could not be looked at is not stopped for its order to run', () => {
  expect(callsForStop(anOrder('launch'), undefined, thisBoot)).toBe(false);
});
