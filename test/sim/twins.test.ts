import { expect, test } from 'vitest';
import type { UnitIdentity } from '../../src/model/ids.ts';
import { Computer } from './computer.ts';
import { strike } from './faults.ts';
import { SimCluster } from './simulation.ts';
import { drawAction } from './user.ts';

const twinCount = Number(process.env['FLOTILLA_TWINS'] ?? 30);
const limits = { bootMs: 20_000, actionsMax: 12, lookMs: 5_000 } as const;
/** What neither machine can be blamed for: their own roads and daemons stay as they are. */
const distractions = ['storeLeader', 'compaction', 'watchBreak', 'reload', 'busLost'] as const;

/** A disk was copied: two computers with one machine-id, while the first of them is well. */
async function play(seed: number): Promise<void> {
  const cluster = new SimCluster({ seed, machinesMax: 3 });
  const { random, computers, tastes, clock, store, trace, ttlMs, brakeMs } = cluster;
  const [original] = computers;
  if (original === undefined) throw new Error('a cluster without machines');
  for (const computer of computers) computer.powerOn();
  await cluster.pass(limits.bootMs);
  for (let count = random.between(2, limits.actionsMax); count > 0; count -= 1) {
    cluster.act(drawAction(random, tastes));
    await cluster.pass(random.pick([10, 1_000]));
  }
  const bootId = original.bootId;
  const ends: string[] = [];
  const touched: string[] = [];
  const twin = new Computer({
    ...{ id: original.id, metadata: new Map(), ownUnits: new Set(), clock, trace },
    ...{ store: () => store, ttlMs, brakeMs },
    label: 'twin',
    random: random.fork(),
    newIdentity: () => random.hex(32) as UnitIdentity,
    witness: {
      asked: (_on, kind, unit) => touched.push(`${kind} ${unit}`),
      began: () => undefined,
      landed: () => undefined,
      daemonEnded: (_on, end) => ends.push(end.kind),
    },
  });
  twin.powerOn();
  for (let ms = 0; ms < 6 * ttlMs; ms += limits.lookMs) {
    if (random.chance(0.5)) strike({ ...cluster, random }, random.pick(distractions));
    await cluster.pass(limits.lookMs);
    expect(cluster.witness.picture().machines.get(original.id)?.bootId, `seed ${seed}`).toBe(
      bootId,
    );
  }
  expect(touched, `seed ${seed}: the twin did something`).toEqual([]);
  expect(new Set(ends), `seed ${seed}`).toEqual(new Set(['refused']));
  twin.scrap('power');
  for (const { systemd } of computers) systemd.isCalm = true;
  await cluster.settle(computers);
  expect(cluster.end(seed, 0).violations, `seed ${seed}`).toEqual([]);
  twin.discard();
}

test('of two machines with one machine-id the second is refused, and touches nothing', {
  timeout: 5 * 60_000,
}, async () => {
  for (let seed = 1; seed <= twinCount; seed += 1) await play(seed);
});
