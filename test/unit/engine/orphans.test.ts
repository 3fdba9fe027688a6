import { describe, expect, test } from 'vitest';
import { planCluster } from '../../../src/engine/plan.ts';
import { applyDecisions } from '../../../src/model/apply-decisions.ts';
import type { ClusterPicture } from '../../../src/model/cluster-picture.ts';
import type { BootId, MachineId, UnitIdentity } from '../../../src/model/ids.ts';
import type { StateReport } from '../../../src/model/report.ts';
import type { UnitRecord } from '../../../src/model/unit.ts';
import type { UnitHash } from '../../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import {
  aMachine,
  anOrder,
  aPicture,
  aPlacement,
  aReport,
  aUnit,
  machineId,
  named,
} from '../../builders/cluster.ts';

const [m1, m2, m3] = [machineId(1), machineId(2), machineId(3)];
const web = named('web');
const old = aUnit(web);
/** The same text, submitted again. */
const again: UnitRecord = { ...old, identity: 'web again' as UnitIdentity };

function anOrphan(record: UnitRecord, some: Partial<StateReport> = {}): StateReport {
  return { ...aReport(record), orphan: { contentHash: record.contentHash, avoids: [] }, ...some };
}

function aCluster(
  reports: readonly (readonly [MachineId, UnitName, StateReport])[],
  units: readonly (readonly [UnitName, UnitRecord])[],
  some: Partial<ClusterPicture> = {},
): ClusterPicture {
  const byMachine = new Map<MachineId, Map<UnitName, StateReport>>();
  for (const [machine, unit, report] of reports) {
    const of = byMachine.get(machine) ?? new Map<UnitName, StateReport>();
    byMachine.set(machine, of.set(unit, report));
  }
  return aPicture({
    machines: new Map([m1, m2, m3].map((id) => [id, aMachine(id)])),
    units: new Map(units),
    reports: byMachine,
    texts: new Set(units.map(([, { contentHash }]) => contentHash)),
    ...some,
  });
}

function planned(picture: ClusterPicture): ClusterPicture {
  return applyDecisions(picture, planCluster(picture, 0).decisions);
}

function removalOf(machine: MachineId, identity: UnitIdentity): ClusterPicture['removals'] {
  return new Map([
    [machine, new Map([[web, { identity, bootId: `boot of ${machine}` as BootId }]])],
  ]);
}

describe('an orphan', () => {
  test('is left alone as long as nobody says anything of it', () => {
    const after = planned(aCluster([[m2, web, anOrphan(old)]], []));
    expect(after.orders.get(m2)?.size ?? 0).toBe(0);
  });

  test.each([m1, m2, m3])('gets the unit of its text to its machine (%s)', (machine) => {
    const after = planned(aCluster([[machine, web, anOrphan(old)]], [[web, again]]));
    expect(after.placements.get(web)).toMatchObject({
      machine,
      reason: 'it runs there already: adopted',
    });
    expect(after.orders.get(machine)?.get(web)).toMatchObject({
      identity: again.identity,
      want: 'launch',
    });
  });

  test('keeps a unit that must not run twice from every machine but its own', () => {
    const onPartition = { stopTimeoutMs: 1_000 };
    const solo = { ...again, requirements: { ...again.requirements, onPartition } };
    const other = { ...solo, unitHash: 'another text' as UnitHash };
    const running = [[m2, web, anOrphan(old)]] as const;
    const machines = new Map([m1, m2, m3].map((id) => [id, aMachine(id, {}, { ttlMs: 3_000 })]));
    const adopted = planned(aCluster(running, [[web, solo]], { machines }));
    expect(adopted.placements.get(web)?.machine).toBe(m2);
    const after = planned(aCluster(running, [[web, other]], { machines }));
    expect(after.placements.get(web)?.machine).toBeNull();
    const whys = after.placements.get(web)?.objections.map(({ why }) => why);
    expect(whys).toContain('a copy that nobody ordered runs on 22222222');
    // Its machine has carried out an order for another identity, and something still runs there.
    const gone = [[m2, web, aReport(old, { current: 'gone' })]] as const;
    const later = planned(aCluster(gone, [[web, other]], { machines }));
    expect([m2, null]).toContain(later.placements.get(web)?.machine);
  });

  test('of the same submission keeps a unit that must not run twice from other machines', () => {
    const onPartition = { stopTimeoutMs: 1_000 };
    const solo = { ...old, requirements: { ...old.requirements, onPartition, machineId: m1 } };
    const machines = new Map([m1, m2, m3].map((id) => [id, aMachine(id, {}, { ttlMs: 3_000 })]));
    const lost = aCluster([[m2, web, anOrphan(solo)]], [[web, solo]], { machines });
    const after = planned(lost);
    expect(after.orders.get(m1)?.size ?? 0).toBe(0);
    const whys = after.placements.get(web)?.objections.map(({ why }) => why);
    expect(whys).toContain('a copy that nobody ordered runs on 22222222');
  });

  test('of another text stops no unit that runs elsewhere, though it must not run twice', () => {
    const onPartition = { stopTimeoutMs: 1_000 };
    const solo = { ...again, requirements: { ...again.requirements, onPartition } };
    const machines = new Map([m1, m2].map((id) => [id, aMachine(id, {}, { ttlMs: 3_000 })]));
    const guard = { deadlineMs: 2_400, stopTimeoutMs: 1_000 };
    const stranger = anOrphan(old, { unitHash: 'another text' as UnitHash });
    const running = [
      [m1, web, aReport(solo)],
      [m2, web, stranger],
    ] as const;
    const both = aCluster(running, [[web, solo]], {
      machines,
      placements: new Map([[web, aPlacement(solo, m1)]]),
      orders: new Map([[m1, new Map([[web, anOrder(solo, { guard })]])]]),
    });
    const after = planned(both);
    expect(after.placements.get(web)?.machine).toBe(m1);
    expect(after.orders.get(m1)?.get(web)?.want).toBe('launch');
    const ordered = { ...both, reports: new Map([[m2, new Map([[web, stranger]])]]) };
    expect(planned(ordered).placements.get(web)?.machine).toBeNull();
  });

  test('is adopted on one machine, and the other copy stays as it is', () => {
    const picture = aCluster(
      [m2, m3].map((id) => [id, web, anOrphan(old)] as const),
      [[web, again]],
    );
    const after = planned(picture);
    const machine = after.placements.get(web)?.machine ?? m1;
    expect([m2, m3]).toContain(machine);
    expect([...after.orders].flatMap(([id, of]) => (of.size > 0 ? [id] : []))).toEqual([machine]);
  });

  test('that does not fit its requirements is not adopted, and goes on', () => {
    const pinned = { ...again, requirements: { ...again.requirements, machineId: m1 } };
    const after = planned(aCluster([[m2, web, anOrphan(old)]], [[web, pinned]]));
    expect(after.placements.get(web)?.machine).toBe(m1);
    expect(after.orders.get(m2)?.size ?? 0).toBe(0);
  });

  test('of another text keeps the unit of its name off its machine while it runs', () => {
    const other = aUnit(web, { version: 2, machineId: m2 });
    const running = aCluster([[m2, web, anOrphan(old)]], [[web, other]]);
    const { machine, objections } = planned(running).placements.get(web) ?? {};
    expect(machine).toBeNull();
    const why = 'an orphan of its name runs there from another text';
    expect(objections?.map((one) => one.why)).toContain(why);
    const dead = anOrphan(old, { active: 'failed' });
    expect(planned(aCluster([[m2, web, dead]], [[web, other]])).placements.get(web)?.machine).toBe(
      m2,
    );
  });

  test('counts for conflicts, those of its own text as well', () => {
    const lone = aUnit(named('lone'), { conflicts: ['web.service'], machineId: m2 });
    const picture = aCluster([[m2, web, anOrphan(old)]], [[named('lone'), lone]]);
    const placement = planned(picture).placements.get(named('lone'));
    const whys = placement?.objections.map(({ why }) => why);
    expect(whys).toContain('conflicts with the orphan web.service');
    const meek = aUnit(named('meek'), { machineId: m2 });
    const proud = anOrphan(old, {
      orphan: { contentHash: old.contentHash, avoids: ['meek.service'] },
    });
    const beside = planned(aCluster([[m2, web, proud]], [[named('meek'), meek]]));
    expect(beside.placements.get(named('meek'))?.machine).toBeNull();
  });

  test('is adopted by a global unit on each machine', () => {
    const everywhere = { ...again, requirements: { ...again.requirements, global: true } };
    const after = planned(aCluster([[m2, web, anOrphan(old)]], [[web, everywhere]]));
    for (const id of [m1, m2, m3]) expect(after.orders.get(id)?.get(web)?.want).toBe('launch');
  });
});

describe('an orphan that is to be removed', () => {
  const removals = removalOf(m2, old.identity);

  test('is ordered gone on that machine, and forgotten once that is confirmed', () => {
    const ordered = planned(
      aCluster(
        [m2, m3].map((id) => [id, web, anOrphan(old)] as const),
        [],
        { removals },
      ),
    );
    expect(ordered.orders.get(m2)?.get(web)).toMatchObject({
      want: 'gone',
      identity: old.identity,
    });
    expect(ordered.orders.get(m3)?.size ?? 0).toBe(0);
    expect(ordered.removals.get(m2)?.size).toBe(1);
    expect(planCluster(ordered, 0).decisions).toEqual([]);
    const gone = aReport(old, { current: 'gone' });
    const after = planned({ ...ordered, reports: new Map([[m2, new Map([[web, gone]])]]) });
    expect(after.orders.get(m2)?.size).toBe(0);
    expect(after.removals.get(m2)?.size).toBe(0);
  });

  test('is not adopted meanwhile: the unit goes elsewhere', () => {
    const after = planned(aCluster([[m2, web, anOrphan(old)]], [[web, again]], { removals }));
    expect(after.placements.get(web)?.machine).not.toBe(m2);
    expect(after.orders.get(m2)?.get(web)?.want).toBe('gone');
  });

  test('and was adopted in time stays: the wish was about an orphan', () => {
    const after = planned(
      aCluster([[m2, web, aReport(again)]], [[web, again]], {
        removals,
        orders: new Map([[m2, new Map([[web, anOrder(again)]])]]),
      }),
    );
    expect(after.removals.get(m2)?.size).toBe(0);
    expect(after.orders.get(m2)?.get(web)?.want).toBe('launch');
  });

  test('is waited for while its machine is away, and another identity is not touched', () => {
    const away = aCluster([], [], { removals });
    expect(planned(away).removals.get(m2)?.size).toBe(1);
    const absent = aCluster([], [], { removals, machines: new Map() });
    expect(planned(absent).removals.get(m2)?.size).toBe(1);
    const successor = anOrphan({ ...old, identity: 'another' as UnitIdentity });
    const after = planned(aCluster([[m2, web, successor]], [], { removals }));
    expect(after.removals.get(m2)?.size).toBe(0);
    expect(after.orders.get(m2)?.size ?? 0).toBe(0);
  });

  test('is gone with the boot it ran in', () => {
    const rebooted = aMachine(m2, {}, { bootId: 'another boot' as BootId });
    const machines = new Map([[m2, rebooted]]);
    expect(planned(aCluster([], [], { removals, machines })).removals.get(m2)?.size).toBe(0);
  });

  test('may be one whose orders are left though its record is lost', () => {
    const orders = new Map([[m2, new Map([[web, anOrder(old)]])]]);
    const after = planned(aCluster([[m2, web, aReport(old)]], [], { removals, orders }));
    expect(after.orders.get(m2)?.get(web)?.want).toBe('gone');
  });
});
