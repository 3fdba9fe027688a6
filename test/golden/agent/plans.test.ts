import { expect, it } from 'vitest';
import { planMachine } from '../../../src/agent/plan.ts';
import { nextRetry, retryKey } from '../../../src/agent/retry.ts';
import type { UnitIdentity } from '../../../src/model/ids.ts';
import type { Order } from '../../../src/model/order.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import {
  aLoadedUnit,
  anAbsentUnit,
  anOrder,
  anotherOrder,
  aPlanInput,
  aRunningUnit,
} from '../../builders/agent.ts';

const name = (text: string): UnitName => `${text}.service` as UnitName;

/** A machine in the middle of everything: each unit is in a state of its own. */
const failed = anOrder('launch', { identity: 'failed' as UnitIdentity });
const retry = {
  key: retryKey(failed),
  problem: "start job ended 'failed': exit-code",
  isRefusal: false,
};
const orders: readonly (readonly [string, Order])[] = [
  ['arrives', anOrder()],
  ['arrives-loaded', anOrder('load')],
  ['conflicts', anOrder('launch', { after: [name('leaves')] })],
  ['failed', failed],
  ['found-running', anOrder()],
  ['leaves', anOrder('gone')],
  ['moved', anOrder('retire')],
  ['replaced', anotherOrder()],
  ['replaced-too-soon', anotherOrder()],
  ['restarts', anOrder('launch', { restartCount: 1 })],
  ['runs', anOrder()],
  ['stops', anOrder('stop')],
  ['taken', anOrder()],
];
const actual = [
  anAbsentUnit(name('arrives')),
  anAbsentUnit(name('arrives-loaded')),
  aLoadedUnit(name('conflicts')),
  aLoadedUnit(name('failed'), failed, { status: { active: 'failed' } }),
  aRunningUnit(name('found-running'), anOrder(), { disk: { receipt: null } }),
  aRunningUnit(name('leaves')),
  aRunningUnit(name('moved')),
  aRunningUnit(name('orphan')),
  aRunningUnit(name('replaced'), anOrder(), { status: { active: 'failed' } }),
  aRunningUnit(name('replaced-too-soon')),
  aRunningUnit(name('restarts')),
  aRunningUnit(name('runs')),
  aRunningUnit(name('stops')),
  anAbsentUnit(name('taken'), {
    status: { load: 'loaded', fragmentPath: '/lib/systemd/system/taken.service' },
  }),
];

it('plans a machine in the middle of everything as recorded', async () => {
  const plan = planMachine(
    aPlanInput(
      actual,
      orders.map(([unit, order]) => [name(unit), order]),
      { retries: new Map([[name('failed'), nextRetry(undefined, retry, 200)]]), nowMs: 700 },
    ),
  );
  const lines = [
    ...plan.units.flatMap(({ unit, tasks }) => [
      unit,
      ...tasks.map(({ kind, reason }) => `    ${kind.padEnd(8)} ${reason}`),
    ]),
    ...plan.waits.map(({ unit, reason }) => `${unit} waits: ${reason}`),
    `look again at ${plan.nextMs} ms`,
    '',
  ];
  await expect(lines.join('\n')).toMatchFileSnapshot('plans.txt');
});
