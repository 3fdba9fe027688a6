import fc from 'fast-check';
import { expect, test } from 'vitest';
import { planCluster } from '../../src/engine/plan.ts';
import { applyDecisions } from '../../src/model/apply-decisions.ts';
import { inConflict, peerOf } from '../../src/model/conflict.ts';
import type { MachineId } from '../../src/model/ids.ts';
import type { Machine } from '../../src/model/machine.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { matchesGlob } from '../../src/unitfile/glob.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import {
  aMachine,
  anOrder,
  aPicture,
  aPlacement,
  aUnit,
  machineId,
  named,
} from '../builders/cluster.ts';

const runs = { numRuns: Number(process.env['FLOTILLA_RUNS'] ?? 400) };
const unitNames = ['a', 'b', 'c', 'd', 'e', 'f'].map(named);

interface Puzzle {
  readonly machines: ReadonlyMap<MachineId, Machine>;
  readonly units: ReadonlyMap<UnitName, UnitRecord>;
}

const anyMachine = fc.record({
  disk: fc.constantFrom('ssd', 'hdd'),
  zone: fc.constantFrom('one', 'two'),
});

/** A unit may follow only those before it: no circles. */
function anyUnit(index: number): fc.Arbitrary<UnitRecord> {
  const name = unitNames[index] ?? named('x');
  const others = unitNames.filter((other) => other !== name);
  return fc
    .record({
      conflicts: fc.subarray(others, { maxLength: 2 }),
      disk: fc.constantFrom(null, null, null, 'ssd', 'hdd'),
      zone: fc.constantFrom(null, null, null, 'one', 'two'),
      follows: fc.option(fc.constantFrom(...unitNames.slice(0, Math.max(index, 1))), { freq: 3 }),
    })
    .map(({ conflicts, disk, zone, follows }) =>
      aUnit(name, {
        conflicts,
        metadata: [
          ...(disk === null ? [] : [{ key: 'disk', values: [disk] }]),
          ...(zone === null ? [] : [{ key: 'zone', values: [zone] }]),
        ],
        machineOf: follows === null || index === 0 ? [] : [follows],
      }),
    );
}

const anyPuzzle: fc.Arbitrary<Puzzle> = fc
  .record({
    machines: fc.array(anyMachine, { minLength: 2, maxLength: 4, size: 'max' }),
    units: fc.tuple(...unitNames.map((_, index) => anyUnit(index))),
    count: fc.integer({ min: 2, max: unitNames.length }),
  })
  .map(({ machines, units, count }) => ({
    machines: new Map(
      machines.map((metadata, index) => [
        machineId(index + 1),
        aMachine(machineId(index + 1), metadata),
      ]),
    ),
    units: new Map(
      units.slice(0, count).map((record, index) => [unitNames[index] ?? named('x'), record]),
    ),
  }));

/** Tries everything; null when not all units can be placed. */
function solved({ machines, units }: Puzzle): ReadonlyMap<UnitName, MachineId> | null {
  const placed = new Map<UnitName, MachineId>();
  const names = [...units.keys()];
  const place = (index: number): boolean => {
    const name = names[index];
    if (name === undefined) return true;
    for (const machine of machines.values()) {
      if (!mayJoin(units, placed, name, machine)) continue;
      placed.set(name, machine.id);
      if (place(index + 1)) return true;
      placed.delete(name);
    }
    return false;
  };
  return place(0) ? placed : null;
}

function mayJoin(
  units: Puzzle['units'],
  placed: ReadonlyMap<UnitName, MachineId>,
  name: UnitName,
  { id, metadata }: Machine,
): boolean {
  const record = units.get(name);
  if (record === undefined) return false;
  const { requirements } = record;
  if (!requirements.metadata.every(({ key, values }) => values.includes(metadata.get(key) ?? '')))
    return false;
  if (!requirements.machineOf.every((target) => placed.get(target) === id)) return false;
  return [...placed].every(([other, machine]) => {
    const peer = peerOf(other, units.get(other)?.requirements ?? null);
    return machine !== id || !inConflict(peerOf(name, requirements), peer, matchesGlob);
  });
}

function placedBy({ machines, units }: Puzzle): ReadonlyMap<UnitName, MachineId | null> {
  const { decisions } = planCluster(aPicture({ machines, units }), 0);
  const placements = decisions
    .flatMap(({ changes }) => changes)
    .flatMap((change) => (change.kind === 'place' ? [change] : []));
  return new Map(placements.map(({ unit, placement }) => [unit, placement.machine]));
}

test('new units are all placed when there is any way to place them all', () => {
  let feasibleCount = 0;
  fc.assert(
    fc.property(anyPuzzle, (puzzle) => {
      if (solved(puzzle) === null) return;
      feasibleCount += 1;
      const homeless = [...placedBy(puzzle)].filter(([, machine]) => machine === null);
      expect(homeless).toEqual([]);
    }),
    runs,
  );
  expect(feasibleCount).toBeGreaterThan(runs.numRuns / 10);
});

test('all units of a machine that died move when there is any way to place them all', () => {
  fc.assert(
    fc.property(anyPuzzle, ({ machines, units }) => {
      if (solved({ machines, units }) === null) return;
      const dead = machineId(9);
      const placements = new Map([...units].map(([unit, one]) => [unit, aPlacement(one, dead)]));
      const orders = new Map([[dead, new Map([...units].map(([u, one]) => [u, anOrder(one)]))]]);
      const picture = aPicture({ machines, units, placements, orders });
      const after = applyDecisions(picture, planCluster(picture, 0).decisions).placements;
      expect([...after].filter(([, { machine }]) => machine === dead)).toEqual([]);
    }),
    runs,
  );
});

test('room is made without moving anything that had a machine', () => {
  fc.assert(
    fc.property(anyPuzzle, fc.nat(), ({ machines, units }, seed) => {
      const [first, ...rest] = units;
      const ids = [...machines.keys()];
      const machine = ids[seed % ids.length];
      if (first === undefined || machine === undefined || rest.length === 0) return;
      const [name, record] = first;
      if (!mayJoin(units, new Map(), name, machines.get(machine) ?? aMachine(machine))) return;
      const placements = new Map([[name, aPlacement(record, machine)]]);
      const { decisions } = planCluster(aPicture({ machines, units, placements }), 0);
      const moved = decisions
        .flatMap(({ changes }) => changes)
        .some(
          (change) =>
            change.kind === 'place' && change.unit === name && change.placement.machine !== machine,
        );
      expect(moved).toBe(false);
    }),
    runs,
  );
});
