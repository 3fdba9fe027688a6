import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  type Braking,
  type Presence,
  planBrake,
  vanishingToBrake,
} from '../../../src/engine/brake.ts';
import { decisionLine } from '../../../src/engine/decision-log.ts';
import { brakeNotices } from '../../../src/model/brake.ts';
import type { MachineId } from '../../../src/model/ids.ts';
import type { Member } from '../../../src/model/machine.ts';
import { aMachine, aPicture, machineId, named } from '../../builders/cluster.ts';
import { SimulatedCluster } from '../../builders/simulated-cluster.ts';

const rules = { ttlMs: 10_000, brakeMs: 60_000 };
const braking: Braking = { rules, overdue: new Set() };
const hourMs = 60 * 60_000;
const nowMs = 100 * hourMs;

function aMember(id: MachineId, vanishedAgoMs: number | null, leaving = false): Member {
  const { bootId, address, version } = aMachine(id);
  const vanishedMs = vanishedAgoMs === null ? null : nowMs - vanishedAgoMs;
  return { id, bootId, address, version, firstSeenMs: 0, leaving, vanishedMs };
}

/**
 * Machine by machine: `p` present, `l` present and leaving, `o` present and overdue, `v` just seen
 * to be away, `r` recorded as vanished 15 s ago, `R` 20 s ago, `h` half an hour ago, `H` an hour
 * ago, `g` away and had said goodbye.
 */
function presenceOf(letters: string): Presence {
  const all = [...letters].map((letter, index) => ({ letter, id: machineId(10 + index) }));
  const agoMs: Readonly<Record<string, number>> = {
    r: 15_000,
    R: 20_000,
    h: hourMs / 2,
    H: hourMs,
  };
  const present = all.filter(({ letter }) => 'plo'.includes(letter));
  const picture = aPicture({
    machines: new Map(
      present.map(({ id, letter }) => [id, aMachine(id, {}, { leaving: letter === 'l' })]),
    ),
    members: new Map(
      all.map(({ id, letter }) => [id, aMember(id, agoMs[letter] ?? null, 'gl'.includes(letter))]),
    ),
  });
  const overdue = new Set(all.filter(({ letter }) => letter === 'o').map(({ id }) => id));
  const ids = all.map(({ id }) => id);
  const away = new Set(ids.filter((id) => !picture.machines.has(id)));
  const leaving = new Set(ids.filter((id) => picture.machines.get(id)?.leaving));
  return { picture, nowMs, awaited: new Set<MachineId>(), overdue, away, leaving };
}

function pulled(letters: string, some: Partial<typeof rules> = {}): number | null {
  const { brake } = planBrake(presenceOf(letters), { ...rules, ...some });
  return brake?.waiting.length ?? null;
}

/** How many more would have to vanish. */
function missing(letters: string): number | null {
  const { picture } = presenceOf(letters);
  return vanishingToBrake(picture, rules, picture.members.keys());
}

describe('the brake', () => {
  it.each([
    ['pppp', null, 'nobody vanished'],
    ['ppvv', null, 'half is not more than half'],
    ['pvvv', 3, 'more than half of four'],
    ['pvv', null, 'three machines have none'],
    ['vv', null, 'nor have two'],
    ['ppvvv', 3, 'three of five'],
    ['pprrv', 3, 'two went within two TTL before'],
    ['ppRRv', null, 'two went earlier than that'],
    ['ppprrr', null, 'half of six'],
    ['prrr', 3, 'all of them a moment ago: their leader went with them'],
    ['pphhhvv', null, 'machines of this hour count among all'],
    ['ppHHHvvv', 3, 'older ones do not'],
    ['pvvvggg', 3, 'who said goodbye does not count among all'],
    ['ppggg', null, 'nor among those who vanished'],
    ['lllpvvv', 3, 'who is about to leave does not count'],
    ['ppoov', 1, 'who is about to vanish counts as gone'],
    ['pppov', null, 'one gone and one late of five are few'],
    ['ooooo', null, 'nobody has vanished yet'],
  ])('with %s: %s machines wait (%s)', (letters, waitingCount, _why) => {
    expect(pulled(letters)).toBe(waitingCount);
  });

  it('is off when its time is 0', () => {
    expect(pulled('pvvvv', { brakeMs: 0 })).toBeNull();
  });
});

const ids = [1, 2, 3, 4, 5].map(machineId);
const [m1, m2, m3, m4, m5] = ids as [MachineId, MachineId, MachineId, MachineId, MachineId];
const units = Array.from({ length: 10 }, (_, index) => named(`app@${index}`));

/** Five machines with two units each. */
function running(): SimulatedCluster {
  const cluster = new SimulatedCluster();
  cluster.braking = braking;
  for (const id of ids) cluster.join(id);
  for (const unit of units) cluster.submit(unit);
  cluster.settle();
  return cluster;
}

function places(cluster: SimulatedCluster): readonly (MachineId | null | undefined)[] {
  return units.map((unit) => cluster.placement(unit)?.machine);
}

/** Which of the five still have units. */
function holders(cluster: SimulatedCluster): readonly MachineId[] {
  return ids.filter((id) => places(cluster).includes(id));
}

function braked(): SimulatedCluster {
  const cluster = running();
  for (const id of [m1, m2, m3]) cluster.vanish(id, 'partition');
  cluster.settle();
  return cluster;
}

test('when most vanish, nothing moves, and each unit says what it waits for', () => {
  const before = places(running());
  const cluster = braked();
  expect(places(cluster)).toEqual(before);
  const waiting = units.filter((unit) => [m1, m2, m3].includes(before[units.indexOf(unit)] ?? m5));
  for (const unit of waiting) {
    expect(cluster.placement(unit)).toMatchObject({
      reason: expect.stringMatching(
        /^machine \w{8} vanished with most others; waits for the brake$/,
      ),
      objections: [{ why: 'the brake is on', count: 0, machines: [] }],
    });
  }
  expect(waiting).toHaveLength(6);
});

test('it wakes the leader when it ends, and not before', () => {
  const cluster = braked();
  expect(cluster.plan()).toEqual({ decisions: [], wakeAtMs: cluster.nowMs + rules.brakeMs });
  cluster.nowMs += rules.brakeMs - 1;
  expect(cluster.plan()).toEqual({ decisions: [], wakeAtMs: cluster.nowMs + 1 });
});

test('then one machine after the other is let go, one each TTL', () => {
  const cluster = braked();
  cluster.nowMs += rules.brakeMs;
  cluster.settle();
  expect(holders(cluster)).toEqual([m2, m3, m4, m5]);
  cluster.nowMs += rules.ttlMs - 1;
  cluster.settle();
  expect(holders(cluster)).toEqual([m2, m3, m4, m5]);
  cluster.nowMs += 1;
  cluster.settle();
  expect(holders(cluster)).toEqual([m3, m4, m5]);
  cluster.nowMs += rules.ttlMs;
  cluster.settle();
  expect(holders(cluster)).toEqual([m4, m5]);
  expect(cluster.picture().brake).toBeNull();
  expect(cluster.plan()).toEqual({ decisions: [], wakeAtMs: null });
});

test('resume lets all go at once, and they count for no other brake', () => {
  const cluster = braked();
  cluster.resume();
  cluster.settle();
  expect(holders(cluster)).toEqual([m4, m5]);
  cluster.vanish(m4, 'partition');
  cluster.nowMs += rules.ttlMs / 10;
  cluster.settle();
  expect(holders(cluster)).toEqual([m5]);
});

test('resume of an earlier brake ends no later one', () => {
  const cluster = braked();
  cluster.resume();
  cluster.settle();
  for (const id of [m1, m2, m3]) cluster.comeBack(id);
  cluster.nowMs += hourMs;
  cluster.settle();
  for (const id of [m1, m2, m3]) cluster.vanish(id, 'partition');
  const before = places(cluster);
  cluster.settle();
  expect(places(cluster)).toEqual(before);
  expect(cluster.picture().brake?.waiting).toEqual([m1, m2, m3]);
});

test('machines that come back before it ends go on with their units; nothing was moved', () => {
  const before = places(running());
  const cluster = braked();
  const starts = [...cluster.startCounts];
  for (const id of [m1, m2, m3]) cluster.comeBack(id);
  cluster.settle();
  cluster.nowMs += 2 * rules.brakeMs;
  cluster.settle();
  expect(places(cluster)).toEqual(before);
  expect([...cluster.startCounts]).toEqual(starts);
  expect(cluster.picture().brake).toBeNull();
  const reasons = units.map((unit) => cluster.placement(unit)?.reason ?? '');
  expect(reasons.filter((reason) => reason.endsWith(' is back'))).toHaveLength(6);
  expect(reasons.filter((reason) => reason.includes('brake'))).toEqual([]);
});

test('a machine that vanishes while it is on waits with the others', () => {
  const cluster = braked();
  cluster.nowMs += rules.brakeMs / 2;
  cluster.vanish(m4, 'partition');
  cluster.settle();
  expect(holders(cluster)).toContain(m4);
  expect(cluster.picture().brake).toMatchObject({ waiting: [m1, m2, m3, m4] });
});

test('the first to vanish waits too, when the others are overdue', () => {
  const cluster = running();
  cluster.vanish(m1, 'partition');
  cluster.braking = { rules, overdue: new Set([m2, m3]) };
  cluster.settle();
  expect(holders(cluster)).toContain(m1);
  cluster.braking = braking;
  for (const id of [m2, m3]) cluster.vanish(id, 'partition');
  cluster.settle();
  expect(cluster.picture().brake).toMatchObject({ goneCount: 3, waiting: [m1, m2, m3] });
  expect(holders(cluster)).toEqual(ids);
});

test('one machine that vanishes alone is replaced without a brake', () => {
  const cluster = running();
  cluster.vanish(m1, 'partition');
  cluster.nowMs += rules.ttlMs / 10;
  cluster.settle();
  expect(holders(cluster)).toEqual([m2, m3, m4, m5]);
});

test('what a user asks for while it is on is done', () => {
  const cluster = braked();
  const fresh = cluster.submit(named('fresh'));
  cluster.settle();
  expect([m4, m5]).toContain(cluster.placement(named('fresh'))?.machine);
  expect(fresh.desired).toBe('launched');
});

test('a clock that went back does not make it longer', () => {
  const cluster = braked();
  cluster.nowMs -= 10 * hourMs;
  cluster.plan();
  expect(cluster.picture().brake?.untilMs).toBe(cluster.nowMs + rules.brakeMs);
});

test('the leader asks who is overdue only when a machine vanished that it did not know of', () => {
  const cluster = running();
  const asks = (some: Partial<typeof rules> = {}): number | null =>
    vanishingToBrake(cluster.picture(), { ...rules, ...some }, cluster.members().keys());
  expect(asks()).toBeNull();
  cluster.vanish(m1, 'partition');
  expect([asks(), asks({ brakeMs: 0 })]).toEqual([2, null]);
  cluster.nowMs += rules.ttlMs / 10;
  cluster.settle();
  expect(asks()).toBeNull();
});

it.each([
  ['pppppppppv', 4, 'five of ten are half, and one is gone'],
  ['pppppppppvv', 3, 'two are gone'],
  ['ppppppppplv', 4, 'who leaves is not there'],
  ['pvvvv', 1, 'they are enough'],
  ['ppv', null, 'three machines have no brake'],
  ['pppprrr', null, 'all were known to be away'],
  ['ppppppprrv', 1, 'some were known to be away'],
])('in %s at least %s more have to vanish for it: %s', (letters, count, _why) => {
  expect(missing(letters)).toBe(count);
});

it('never goes on for fewer than the leader was told to look for', () => {
  const anyLetters = fc.string({ unit: fc.constantFrom(...'ppplooovvrRhHg'), maxLength: 14 });
  let brakedCount = 0;
  fc.assert(
    fc.property(anyLetters, (letters) => {
      if (pulled(letters) === null) return;
      const least = missing(letters);
      if (least === null || !letters.includes('o')) return;
      const overdueCount = [...letters].filter((letter) => letter === 'o').length;
      const isBrakedAnyway = pulled(letters.replaceAll('o', 'p')) !== null;
      if (!isBrakedAnyway) brakedCount += 1;
      expect(isBrakedAnyway || overdueCount >= least).toBe(true);
    }),
    { numRuns: 3_000 },
  );
  expect(brakedCount).toBeGreaterThan(10);
});

test('its notice says what happened and when it ends; none while it is off', () => {
  expect(brakeNotices(null)).toEqual([]);
  const brake = { sinceMs: 0, untilMs: 60_000, isEasing: false, goneCount: 3, ofCount: 5 };
  expect(brakeNotices({ ...brake, waiting: [], released: [m1] })).toEqual([]);
  const [notice] = brakeNotices({ ...brake, waiting: [m1, m2], released: [] });
  expect(notice?.text).toBe(
    '3 of 5 machines vanished at once: units of 2 are not moved before 1970-01-01T00:01:00Z',
  );
  expect(notice?.hint).toContain('fleetctl resume');
});

test('the journal has a warning when it goes on, and a line for each step to its end', () => {
  const cluster = running();
  const lines: string[] = [];
  const plan = (): void => {
    const before = cluster.picture();
    for (const decision of cluster.plan().decisions) {
      if (decision.subject !== 'brake') continue;
      const { level, message, fields } = decisionLine(decision, before);
      lines.push(`${level} ${message} (${(fields as { reason: string }).reason})`);
    }
  };
  for (const id of [m1, m2, m3]) cluster.vanish(id, 'partition');
  plan();
  cluster.nowMs += rules.brakeMs;
  plan();
  cluster.resume();
  plan();
  plan();
  expect(lines).toEqual([
    'warn most machines vanished at once, moving nothing of theirs for now (on)',
    'info brake goes on (fewer machines wait)',
    'info brake is off (off)',
  ]);
});
