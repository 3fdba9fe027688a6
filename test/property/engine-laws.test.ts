import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planCluster } from '../../src/engine/plan.ts';
import { applyDecisions } from '../../src/model/apply-decisions.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import { inConflict, peerOf } from '../../src/model/conflict.ts';
import { isKnownFinished } from '../../src/model/copy.ts';
import type { Placement } from '../../src/model/placement.ts';
import { stayingRules, whyNot } from '../../src/model/rules.ts';
import { matchesGlob } from '../../src/unitfile/glob.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { machineId, named } from '../builders/cluster.ts';
import { anyStory, type Event, happen } from '../builders/cluster-story.ts';
import { runName, SimulatedCluster } from '../builders/simulated-cluster.ts';

const runs = { numRuns: Number(process.env['FLOTILLA_RUNS'] ?? 300) };

function after(story: readonly Event[]): SimulatedCluster {
  const cluster = new SimulatedCluster();
  for (const event of story) happen(cluster, event);
  return cluster;
}

/** Why this placement breaks a rule, given all others; null when it is legal. */
function objectionTo(picture: ClusterPicture, unit: UnitName): string | null {
  const record = picture.units.get(unit);
  const placement = picture.placements.get(unit);
  const machine = picture.machines.get(placement?.machine ?? machineId(0));
  if (record === undefined || placement === undefined || machine === undefined) return null;
  const others = [...picture.placements].filter(([, other]) => other.machine === machine.id);
  const applicant = {
    peer: peerOf(unit, record.requirements),
    requirements: record.requirements,
    refusals: placement.refusals,
    placeOf: (target: UnitName) => {
      const place = picture.placements.get(target)?.machine ?? null;
      const isThere = picture.units.get(target)?.requirements.global === false;
      if (place === null || !isThere || !isWanted(picture, target))
        return { kind: 'nowhere' as const, why: 'target nowhere' };
      return { kind: 'on' as const, machine: place };
    },
    whyBarred: () => null,
    matches: matchesGlob,
  };
  const peers = others
    .filter(([other]) => isWanted(picture, other))
    .map(([other]) => peerOf(other, picture.units.get(other)?.requirements ?? null));
  return whyNot(stayingRules, applicant, { machine, peers });
}

function isWanted(picture: ClusterPicture, unit: UnitName): boolean {
  const record = picture.units.get(unit);
  return record !== undefined && !record.gone && record.desired !== 'inactive';
}

/**
 * Launched copies that share a machine though one avoids the other. The rules of a copy count that
 * are still in the store: what an older submission avoided went with its text.
 */
function clashes(cluster: SimulatedCluster): string[] {
  const found: string[] = [];
  for (const [machine, copies] of cluster.copies) {
    const running = [...copies]
      .filter(([, copy]) => copy.active === 'active')
      .map(([unit, copy]) => {
        const record = cluster.units.get(unit);
        const isCurrent = record?.identity === copy.record.identity;
        return peerOf(unit, isCurrent ? record.requirements : null);
      });
    for (const one of running) {
      for (const other of running) {
        if (one.name < other.name && inConflict(one, other, matchesGlob)) {
          found.push(`${one.name} and ${other.name} on ${machine.slice(0, 8)}`);
        }
      }
    }
  }
  return found;
}

function reversed<K, V>(map: ReadonlyMap<K, V>): Map<K, V> {
  return new Map([...map].reverse());
}

test('planning again after writing a plan decides nothing', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      const picture = cluster.picture();
      const plan = planCluster(picture, cluster.nowMs);
      const written = applyDecisions(picture, plan.decisions);
      expect(planCluster(written, cluster.nowMs).decisions).toEqual([]);
    }),
    runs,
  );
});

test('the order in which a picture lists things changes no decision', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      const picture = cluster.picture();
      const turned: ClusterPicture = {
        ...picture,
        units: reversed(picture.units),
        machines: reversed(picture.machines),
        members: reversed(picture.members),
        placements: reversed(picture.placements),
        orders: reversed(new Map([...picture.orders].map(([id, map]) => [id, reversed(map)]))),
        reports: reversed(new Map([...picture.reports].map(([id, map]) => [id, reversed(map)]))),
        texts: new Set([...picture.texts.keys()].reverse()),
      };
      const plan = planCluster(picture, cluster.nowMs);
      expect(planCluster(turned, cluster.nowMs)).toEqual(plan);
    }),
    runs,
  );
});

test('two units in conflict never run on one machine, whatever happens in between', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = new SimulatedCluster();
      for (const event of story) {
        happen(cluster, event);
        expect(clashes(cluster)).toEqual([]);
      }
    }),
    runs,
  );
});

test('every placement on a machine that is present satisfies the rules', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      cluster.plan();
      const picture = cluster.picture();
      const broken = [...picture.placements].flatMap(([unit, placement]) => {
        const isDone = placement.reason.startsWith('finished');
        const isLeaving = picture.machines.get(placement.machine ?? machineId(0))?.leaving === true;
        const why =
          isDone || isLeaving || !isWanted(picture, unit) ? null : objectionTo(picture, unit);
        if (why === null || isLeftRunning(placement, why)) return [];
        return [`${unit}: ${why}`];
      });
      expect(broken).toEqual([]);
    }),
    runs,
  );
});

/** Whom a unit follows, near or far. */
function targetsOf(picture: ClusterPicture, unit: UnitName): Set<UnitName> {
  const targets = new Set(picture.units.get(unit)?.requirements.machineOf);
  for (const target of targets) {
    for (const next of picture.units.get(target)?.requirements.machineOf ?? []) targets.add(next);
  }
  return targets;
}

/** Only metadata may be wrong where a unit is left, and the placement says so. */
function isLeftRunning({ objections }: Placement, why: string): boolean {
  return why.startsWith('metadata ') && objections.length > 0;
}

test('a legal placement on a machine that stays is not moved, unless somebody replaces it', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      const before = cluster.picture();
      cluster.plan();
      const now = cluster.picture();
      for (const [unit, placement] of before.placements) {
        const machine = before.machines.get(placement.machine ?? machineId(0));
        const record = before.units.get(unit);
        if (machine === undefined || machine.leaving || !isWanted(before, unit)) continue;
        if (record?.identity !== placement.identity || record.requirements.global) continue;
        const isRefused = before.reports.get(machine.id)?.get(unit)?.current === 'refused';
        if (isRefused || objectionTo(before, unit) !== null) continue;
        const targets = record.requirements.machineOf;
        const isLed = targets.some((of) => now.placements.get(of)?.machine !== machine.id);
        const placed = now.placements.get(unit);
        if (isLed || placed?.reason.startsWith('made room')) continue;
        expect(placed?.machine, `${unit}: ${placed?.reason}`).toBe(machine.id);
      }
    }),
    runs,
  );
});

test('one more machine moves nothing that has a machine', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      for (const id of [...cluster.machines.keys()]) cluster.setMachine(id, { leaving: false });
      for (const id of [...cluster.away.keys()]) cluster.comeBack(id);
      cluster.settle();
      const before = cluster.picture().placements;
      const isUnsuited = (unit: UnitName) => (before.get(unit)?.objections.length ?? 0) > 0;
      cluster.join(machineId(9), { disk: 'ssd' });
      cluster.plan();
      for (const [unit, placement] of before) {
        const group = [unit, ...targetsOf(cluster.picture(), unit)];
        if (group.some(isUnsuited)) continue; // it was where it should not be
        const placed = cluster.placement(unit);
        const isMoved = placement.machine !== null && placed?.machine !== placement.machine;
        const isReplaced = placed?.reason.startsWith('made room') ?? false;
        expect(isMoved && !isReplaced, `${unit}: ${placed?.reason}`).toBe(false);
      }
    }),
    runs,
  );
});

test('whatever happened, the cluster settles, with one copy of each placed unit', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      expect(cluster.settle()).not.toBeNull();
      cluster.nowMs += 600_000;
      expect(cluster.settle()).not.toBeNull();
      const picture = cluster.picture();
      for (const [unit, record] of picture.units) {
        if (record.requirements.global || !isWanted(picture, unit)) continue;
        const seat = picture.placements.get(unit)?.machine ?? null;
        const holders = [...picture.machines.keys()].filter((id) =>
          cluster.copies.get(id)?.has(unit),
        );
        const isHere = seat !== null && picture.machines.has(seat);
        if (seat !== null && !isHere) continue; // waits for its machine
        const isLost = picture.placements.get(unit)?.reason.startsWith('finished') === true;
        expect(holders, unit).toEqual(isHere && !isLost ? [seat] : isHere ? holders : []);
      }
    }),
    runs,
  );
});

test('a oneshot that was seen to finish is not run again, though machines reboot', () => {
  const job = named('job');
  const finished: readonly Event[] = [
    { kind: 'join', machine: machineId(1), metadata: {} },
    { kind: 'submit', unit: job, options: { oneshot: true, desired: 'launched' } },
    { kind: 'round' },
    { kind: 'finish', unit: job },
    { kind: 'round' },
    { kind: 'round' },
  ];
  let doneCount = 0;
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = new SimulatedCluster();
      for (const event of [...finished, ...story]) {
        const done = [...cluster.picture().units].filter(([unit, record]) =>
          isKnownFinished(record, cluster.placement(unit) ?? null),
        );
        for (const [unit] of done) {
          const machine = cluster.placement(unit)?.machine ?? machineId(0);
          expect(cluster.order(machine, unit)?.finished, unit).toBe(true);
        }
        doneCount += done.length;
        const starts = () => done.map(([, record]) => cluster.startCounts.get(runName(record)));
        const before = starts();
        happen(cluster, event);
        expect(starts()).toEqual(before);
      }
    }),
    runs,
  );
  expect(doneCount).toBeGreaterThan(0);
});

test('a destroyed unit ends with nothing left, once every machine is back', () => {
  fc.assert(
    fc.property(anyStory, (story) => {
      const cluster = after(story);
      for (const unit of cluster.units.keys()) cluster.change(unit, { gone: true });
      cluster.settle();
      for (const id of [...cluster.away.keys()]) cluster.comeBack(id);
      expect(cluster.settle()).not.toBeNull();
      const picture = cluster.picture();
      expect([...picture.units.keys()]).toEqual([]);
      expect([...picture.placements.keys()]).toEqual([]);
      expect([...picture.texts.keys()]).toEqual([]);
      expect([...picture.orders.values()].flatMap((orders) => [...orders.keys()])).toEqual([]);
      expect([...cluster.copies.values()].flatMap((copies) => [...copies.keys()])).toEqual([]);
    }),
    runs,
  );
});
