import { describe, expect, it } from 'vitest';
import { planCluster } from '../../../src/engine/plan.ts';
import { applyDecisions } from '../../../src/model/apply-decisions.ts';
import type { ClusterPicture } from '../../../src/model/cluster-picture.ts';
import { deadlineFor, holdMs } from '../../../src/model/hold.ts';
import type { MachineId } from '../../../src/model/ids.ts';
import type { Machine } from '../../../src/model/machine.ts';
import type { Order } from '../../../src/model/order.ts';
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

const [one, two] = [machineId(1), machineId(2)];
const solo = named('solo');
const record = aUnit(solo, { onPartition: { stopTimeoutMs: 1_000 } });
const guard = { deadlineMs: 5_000, stopTimeoutMs: 1_000 };
const nowMs = 1_000_000;

function present(id: MachineId, some: Partial<Machine> = {}): readonly [MachineId, Machine] {
  return [id, aMachine(id, {}, { ttlMs: 3_000, ...some })];
}

function aCluster(some: Partial<ClusterPicture> = {}): ClusterPicture {
  return aPicture({
    units: new Map([[solo, record]]),
    machines: new Map([present(two)]),
    placements: new Map([[solo, aPlacement(record, one)]]),
    orders: new Map([[one, new Map([[solo, anOrder(record, { guard })]])]]),
    ...some,
  });
}

function plan(picture: ClusterPicture, absentMs = 0) {
  const absentForMs = (id: MachineId) => (picture.machines.has(id) ? 0 : absentMs);
  return planCluster(picture, nowMs, nowMs, { absentForMs });
}

/** The picture with the plan written, and the orders of the unit in it. */
function next(picture: ClusterPicture, absentMs = 0): ClusterPicture {
  return applyDecisions(picture, plan(picture, absentMs).decisions);
}

function ordersOf(picture: ClusterPicture): Record<string, Partial<Order>> {
  const found = [...picture.orders].flatMap(([id, orders]) => {
    const order = orders.get(solo);
    const isGuarded = order?.guard !== undefined;
    return order === undefined ? [] : [[id, { want: order.want, isGuarded }] as const];
  });
  return Object.fromEntries(found);
}

const launched = { want: 'launch', isGuarded: true };

it('the deadline is four fifths of the TTL, but longer than a restart of fleetd takes', () => {
  expect([3_000, 5_000, 10_000].map(deadlineFor)).toEqual([5_000, 5_000, 8_000]);
});

it('the hold is the deadline, five times the timeout of its stop, and a second', () => {
  expect(holdMs(guard)).toBe(5_000 + 5_000 + 1_000);
});

describe('a unit with OnPartition=stop whose machine is gone', () => {
  it('stays where it is until the hold has passed, and says so', () => {
    const { wakeAtMs } = plan(aCluster(), 400);
    expect(wakeAtMs).toBe(nowMs + 10_600);
    const later = next(aCluster(), 400);
    expect(ordersOf(later)).toEqual({ [one]: launched });
    expect(later.placements.get(solo)).toMatchObject({
      machine: one,
      heldUntilMs: nowMs + 10_600,
      reason: 'machine 11111111 vanished, waits for the hold of 11 s of OnPartition=stop',
    });
    expect(plan(later, 900).decisions).toEqual([]);
  });

  it('is not moved by the words of a leader before: a new one counts for itself', () => {
    const held = aPlacement(record, one, { heldUntilMs: nowMs - 60_000 });
    const later = next(aCluster({ placements: new Map([[solo, held]]) }));
    expect(ordersOf(later)).toEqual({ [one]: launched });
    expect(later.placements.get(solo)?.heldUntilMs).toBe(nowMs + 11_000);
  });

  it('then goes in three steps: gone, gone for certain, and launched elsewhere', () => {
    const gone = next(aCluster(), 11_000);
    expect(ordersOf(gone)).toEqual({ [one]: { want: 'gone', isGuarded: true } });
    expect(gone.placements.get(solo)?.machine).toBe(two);
    const free = next(gone, 11_001);
    expect(ordersOf(free)).toEqual({ [one]: { want: 'gone', isGuarded: false } });
    const moved = next(free, 11_002);
    expect(ordersOf(moved)).toEqual({
      [one]: { want: 'gone', isGuarded: false },
      [two]: launched,
    });
    expect(moved.orders.get(two)?.get(solo)?.guard).toEqual(guard);
    expect(plan(moved, 12_000).decisions).toEqual([]);
  });

  it('stays held when its machine is to be forgotten, until the hold has passed', () => {
    const { id, bootId, address, version } = aMachine(one);
    const seen = { id, bootId, address, version, firstSeenMs: 0, leaving: false };
    const member = { ...seen, vanishedMs: nowMs - 400 };
    const wished = aCluster({ members: new Map([[one, member]]), forgetting: new Set([one]) });
    const early = next(wished, 400);
    expect(ordersOf(early)).toEqual({ [one]: launched });
    expect(early.forgetting).toEqual(new Set([one]));
    expect(next(wished, 11_000).members.has(one)).toBe(false);
  });

  it('waits for a machine that came and went between two steps', () => {
    const gone = next(aCluster(), 11_000);
    const later = next(gone, 5);
    expect(ordersOf(later)).toEqual({ [one]: { want: 'gone', isGuarded: true } });
    expect(plan(later, 5).wakeAtMs).toBe(nowMs + 10_995);
  });

  it('waits for the word of a machine that returned meanwhile', () => {
    const gone = next(aCluster(), 11_000);
    const back = { ...gone, machines: new Map([present(one), present(two)]) };
    expect(ordersOf(next(back))).toEqual({ [one]: { want: 'gone', isGuarded: true } });
    const said = new Map([[solo, aReport(record, { current: 'gone', active: 'inactive' })]]);
    const confirmed = next({ ...back, reports: new Map([[one, said]]) });
    expect(ordersOf(next(confirmed))).toEqual({ [two]: launched });
  });

  it('goes on there when the machine is back before, and the hold is told no more', () => {
    const held = next(aCluster(), 400);
    const back = next({ ...held, machines: new Map([present(one), present(two)]) });
    expect(ordersOf(back)).toEqual({ [one]: launched });
    expect(back.placements.get(solo)).toMatchObject({ reason: 'machine 11111111 is back' });
    expect(back.placements.get(solo)).not.toHaveProperty('heldUntilMs');
  });

  it('holds back what is submitted under its name, too', () => {
    const other = aUnit(solo, { version: 2 });
    const later = next(aCluster({ units: new Map([[solo, other]]) }), 400);
    expect(ordersOf(later)).toEqual({ [one]: { want: 'gone', isGuarded: true } });
    expect(later.placements.get(solo)).toMatchObject({ machine: two, heldUntilMs: nowMs + 10_600 });
    expect(ordersOf(next(next(later, 11_000), 11_001))).toHaveProperty(two);
  });
});

describe('a unit with OnPartition=stop', () => {
  it('is gone from its machine before another is told to start it', () => {
    const disk = [{ key: 'disk', values: ['ssd'] }];
    const picky = aUnit(solo, { onPartition: { stopTimeoutMs: 1_000 }, metadata: disk });
    const machines = new Map([
      present(one),
      present(two, { metadata: new Map([['disk', 'ssd']]) }),
    ]);
    const orders = new Map([[one, new Map([[solo, anOrder(picky, { guard })]])]]);
    const before = aCluster({ units: new Map([[solo, picky]]), machines, orders });
    expect(ordersOf(next(next(before)))).toEqual({ [one]: { want: 'gone', isGuarded: true } });
  });

  it('is not placed where fleetd is too old for it', () => {
    const old = aMachine(two);
    const later = next(
      aCluster({ machines: new Map([[two, old]]), placements: new Map(), orders: new Map() }),
    );
    expect(later.placements.get(solo)).toMatchObject({
      machine: null,
      reason: 'its fleetd is too old for OnPartition=stop',
    });
  });

  it('keeps the longer deadline of its order when its machine has a shorter lease', () => {
    const long = { deadlineMs: 8_000, stopTimeoutMs: 1_000 };
    const orders = new Map([[one, new Map([[solo, anOrder(record, { guard: long })]])]]);
    const before = aCluster({ machines: new Map([present(one), present(two)]), orders });
    expect(next(before).orders.get(one)?.get(solo)?.guard).toEqual(long);
  });
});

it('keeps its guard when its record is lost and somebody has its copy removed', () => {
  const { bootId } = aMachine(one);
  const lost = aCluster({
    units: new Map(),
    placements: new Map(),
    machines: new Map([present(one), present(two)]),
    reports: new Map([[one, new Map([[solo, aReport(record)]])]]),
    removals: new Map([[one, new Map([[solo, { identity: record.identity, bootId }]])]]),
  });
  const removing = next(lost);
  expect(ordersOf(removing)).toEqual({ [one]: { want: 'gone', isGuarded: true } });
  // Cut off before it has read that, and submitted again elsewhere.
  const other = aUnit(solo, { version: 2, onPartition: { stopTimeoutMs: 1_000 } });
  const away = {
    ...removing,
    machines: new Map([present(two)]),
    reports: new Map(),
    units: new Map([[solo, other]]),
  };
  expect(ordersOf(next(away, 400))).not.toHaveProperty(two);
});

it('gets no deadline from a machine that is away and never had one', () => {
  const unguarded = aCluster({ orders: new Map([[one, new Map([[solo, anOrder(record)]])]]) });
  const { id, bootId, address, version } = aMachine(one);
  const seen = { id, bootId, address, version, firstSeenMs: 0, leaving: false };
  const members = new Map([[one, { ...seen, vanishedMs: null }]]);
  const picture = { ...unguarded, members };
  const { decisions } = planCluster(picture, nowMs, nowMs + 5_000); // its absence does not count yet
  const { orders } = applyDecisions(picture, decisions);
  expect(orders.get(one)?.get(solo)?.guard).toBeUndefined();
});
