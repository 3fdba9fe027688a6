import { expect, test } from 'vitest';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import { isKnownFinished } from '../../src/model/copy.ts';
import { contentHash } from '../../src/unitfile/unit-hash.ts';
import { type RememberedUnits, remember } from '../builders/remembered-units.ts';
import { SimCluster } from './simulation.ts';
import { type Action, drawAction } from './user.ts';

const sequenceCount = Number(process.env['FLOTILLA_SEQUENCES'] ?? 1_000);
const limits = { bootMs: 20_000, answerMs: 2_000, stepsMax: 12 } as const;

/** One random sequence on a healthy cluster, with pauses of any length between its steps. */
async function play(seed: number): Promise<void> {
  const cluster = new SimCluster({ seed, machinesMax: 3 });
  const { random, computers, tastes } = cluster;
  const model: RememberedUnits = new Map();
  for (const computer of computers) computer.powerOn();
  await cluster.pass(limits.bootMs);
  for (let step = random.between(1, limits.stepsMax); step > 0; step -= 1) {
    const action = drawAction(random, tastes);
    const isFinished = isFinishedIn(cluster.witness.picture(), action);
    let answer: string | null = null;
    cluster.act(action, (outcome) => {
      answer = outcome;
    });
    for (let ms = 0; answer === null && ms < limits.answerMs; ms += 1) await cluster.pass(1);
    expect(answer, `seed ${seed}: ${JSON.stringify(action)}`).toBe(
      remember(model, action, isFinished),
    );
    await cluster.pass(random.pick([0, 1, 10, 100, 3_000]));
  }
  for (const { systemd } of computers) systemd.isCalm = true;
  await cluster.settle(computers);
  const { units } = cluster.witness.picture();
  const { violations } = cluster.end(seed, 0);
  expect(violations, `seed ${seed}`).toEqual([]);
  const stored = [...units].map(([name, record]) => [name, record.contentHash, record.desired]);
  const wanted = [...model].map(([name, one]) => [name, contentHash(one.content), one.desired]);
  expect(stored.sort(), `seed ${seed}`).toEqual(wanted.sort());
}

/** Whether the store knows, a moment before the action, that the run of its unit has ended well. */
function isFinishedIn(picture: ClusterPicture, action: Action): boolean {
  const unit = action.kind === 'submit' ? action.submission.name : action.unit;
  const record = picture.units.get(unit);
  if (record === undefined || record.gone) return false;
  return isKnownFinished(record, picture.placements.get(unit) ?? null);
}

test('after any sequence of user actions what is stored runs, once, and nothing else is left', {
  timeout: 10 * 60_000,
}, async () => {
  for (let seed = 1; seed <= sequenceCount; seed += 1) await play(seed);
});
