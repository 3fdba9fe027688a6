import { byText } from '../lib/order.ts';
import type { Steps } from '../lib/steps.ts';
import { WideMap, WideSet } from '../lib/wide-map.ts';
import { type Brake, isBraking } from '../model/brake.ts';
import { type ClusterPicture, emptyPicture } from '../model/cluster-picture.ts';
import { type GlobMatcher, peerOf } from '../model/conflict.ts';
import type { MachineId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import type { Placement } from '../model/placement.ts';
import type { StateReport } from '../model/report.ts';
import type { TargetPlace } from '../model/rules.ts';
import type { UnitRecord } from '../model/unit.ts';
import { matchesGlob } from '../unitfile/glob.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { awaitedMachines, unseenMachines } from './awaited.ts';
import { type Braking, planBrake } from './brake.ts';
import type { Candidates } from './candidates.ts';
import { Lookups } from './lookups.ts';
import { whyBarred } from './orphans.ts';
import type { PictureDelta } from './picture-delta.ts';
import { type PlanTime, unknownTime } from './plan-time.ts';
import type { Seeker } from './rank.ts';
import { Refreshes } from './refresh.ts';
import { type Room, type Tenant, tenantOf } from './room.ts';

/**
 * Where a unit belongs after this plan.
 *
 * - `stays`: where it was.
 * - `kept`: where it was, though that machine is away or shutting down: it fits nowhere else.
 * - `held`: where it was, on a machine that is away and may still run it (`OnPartition=stop`).
 * - `placed`: on another machine than before.
 */
export interface Seat {
  readonly kind: 'stays' | 'kept' | 'held' | 'placed';
  readonly machine: MachineId;
  readonly why: string;
}

/**
 * A plan while it is made: the picture, with who sits where and who moves together. The next plan
 * may go on with it: what the picture no longer has is turned, row by row.
 */
export class Draft {
  picture: ClusterPicture = emptyPicture;
  time: PlanTime = unknownTime;
  readonly lookups = new Lookups();
  /** Machines that are present. */
  readonly rooms = new Map<MachineId, Room>();
  readonly candidates: Candidates;
  /** Non-global units that have a machine after this plan. */
  readonly seats = new WideMap<UnitName, Seat>();
  /** Units that nothing is decided about, where others have to get along with them. */
  readonly fixed = new Map<UnitName, MachineId>();
  /**
   * Machines that are absent, though not for long enough: the store was away, or this leader was,
   * and their leases may have run out meanwhile; or they went just now. What they run stays theirs.
   */
  awaited: ReadonlySet<MachineId> = new Set();
  /** The brake as it is after this plan; see `planBrake`. */
  brake: Brake | null = null;
  /** Vanished machines that keep their units while the brake is on. */
  braked: ReadonlySet<MachineId> = new Set();
  refreshes = new Refreshes(new Map(), 0, () => undefined);
  /** When time alone changes what is decided about a unit; null: about the cluster. */
  readonly wakesMs = new Map<UnitName | null, number>();
  /** The unit that is asked about: what it waits for is noted for it. */
  subject: UnitName | null = null;
  /** Units that have got a seat or lost one since the picture was turned. */
  readonly moved = new WideSet<UnitName>();
  readonly #tenants = new WideMap<UnitName, Tenant>();
  readonly #groups = new Map<UnitName, Set<UnitName>>();

  constructor(candidatesOf: (draft: Draft) => Candidates) {
    this.candidates = candidatesOf(this);
  }

  /** Goes on with another picture at another time; rooms stay as they were furnished. */
  *turn(
    picture: ClusterPicture,
    time: PlanTime,
    { rules, overdue }: Braking,
    delta: PictureDelta,
  ): Steps {
    yield* this.lookups.turn(this.picture, picture, delta);
    this.picture = picture;
    this.time = time;
    this.wakesMs.clear();
    this.#groups.clear();
    this.moved.clear();
    this.subject = null;
    for (const unit of [...delta.units, ...delta.unreadable]) {
      yield;
      this.#tenants.delete(unit);
    }
    const { nowMs } = time;
    const { away, leaving } = this.lookups;
    const unseen = unseenMachines(picture, away, time);
    const presence = { picture, nowMs, awaited: new Set(unseen.keys()), overdue, away, leaving };
    const { brake, wakeAtMs } = planBrake(presence, rules);
    this.brake = brake;
    const awaited = isBraking(brake) ? unseen : awaitedMachines(picture, away, time, rules.ttlMs);
    this.awaited = new Set(awaited.keys());
    for (const leftMs of awaited.values()) this.wakeAt(nowMs + leftMs);
    this.braked = new Set(brake?.waiting);
    if (wakeAtMs !== null) this.wakeAt(wakeAtMs);
    this.refreshes = new Refreshes(this.lookups.refreshedMs, nowMs, (atMs) => this.wakeAt(atMs));
  }

  get nowMs(): number {
    return this.time.nowMs;
  }

  /** A unit that nothing may be decided about: without a record, or with one not understood. */
  isFrozen(unit: UnitName): boolean {
    return this.picture.unreadable.has(unit) || !this.picture.units.has(unit);
  }

  peer(unit: UnitName): Tenant {
    const known = this.#tenants.get(unit);
    if (known !== undefined) return known;
    // Also while another record about it is not understood: whom it avoids is known all the same.
    const record = this.picture.units.get(unit);
    const tenant = tenantOf(peerOf(unit, record?.requirements ?? null));
    this.#tenants.set(unit, tenant);
    return tenant;
  }

  seeker(unit: UnitName, record: UnitRecord): Seeker {
    return {
      peer: this.peer(unit),
      requirements: record.requirements,
      refusals: this.refusals(unit, record),
      placeOf: (target) => this.placeOf(target),
      whyBarred: (machine) => this.whyBarred(machine, unit),
      matches: matchesGlob,
    };
  }

  whyBarred(machine: MachineId, unit: UnitName): string | null {
    return whyBarred(this.picture, machine, unit, this.lookups.reported.of(unit));
  }

  readonly matches: GlobMatcher = matchesGlob;

  report(machine: MachineId, unit: UnitName): StateReport | undefined {
    return this.picture.reports.get(machine)?.get(unit);
  }

  order(machine: MachineId, unit: UnitName): Order | undefined {
    return this.picture.orders.get(machine)?.get(unit);
  }

  /** Every order of a unit, by machine. */
  ordersOf(unit: UnitName): (readonly [MachineId, Order])[] {
    const orders: (readonly [MachineId, Order])[] = [];
    for (const machine of this.lookups.ordered.of(unit)) {
      const order = this.order(machine, unit);
      if (order !== undefined) orders.push([machine, order]);
    }
    return orders;
  }

  /** Present machines that refused this identity, now or earlier; sorted by machine. */
  refusals(unit: UnitName, record: UnitRecord): Placement['refusals'] {
    if (record.requirements.global) return none;
    const stored = this.picture.placements.get(unit);
    if (stored === undefined && !this.lookups.ordered.isAnywhere(unit)) return none;
    const refusals = new Map<MachineId, string>();
    for (const { machine, why } of stored?.identity === record.identity ? stored.refusals : none) {
      if (this.rooms.has(machine)) refusals.set(machine, why);
    }
    for (const machine of this.lookups.ordered.of(unit)) {
      const report = this.report(machine, unit);
      if (report?.current !== 'refused' || report.identity !== record.identity) continue;
      if (this.rooms.has(machine)) refusals.set(machine, report.problem ?? 'without a reason');
    }
    if (refusals.size === 0) return none;
    return sortedByKey(refusals).map(([machine, why]) => ({ machine, why }));
  }

  /** Where a unit that others follow is, as far as this plan has come. */
  placeOf(target: UnitName): TargetPlace {
    const seat = this.seats.get(target);
    if (seat !== undefined) return { kind: 'on', machine: seat.machine };
    const record = this.picture.units.get(target);
    if (this.isFrozen(target)) {
      const machine = this.picture.placements.get(target)?.machine ?? null;
      if (machine !== null) return { kind: 'on', machine };
      const isStored = this.picture.unreadable.has(target);
      if (isStored) return { kind: 'unknown', why: `waits for ${target}, which is not readable` };
      return { kind: 'nowhere', why: `waits for ${target}, which is not stored` };
    }
    if (record?.gone === true) {
      return { kind: 'nowhere', why: `waits for ${target}, which is not stored` };
    }
    if (record?.requirements.global === true) {
      return { kind: 'nowhere', why: `waits for ${target}, which is global` };
    }
    return { kind: 'nowhere', why: `waits for ${target}, which is not placed` };
  }

  seat(unit: UnitName, seat: Seat): void {
    this.moved.add(unit);
    this.seats.set(unit, seat);
    this.rooms.get(seat.machine)?.seat(this.peer(unit));
  }

  unseat(unit: UnitName): void {
    const seat = this.seats.get(unit);
    if (seat === undefined) return;
    this.moved.add(unit);
    this.seats.delete(unit);
    this.rooms.get(seat.machine)?.unseat(unit);
  }

  /** Nothing is decided about a frozen unit, yet others have to get along with it. */
  fix(unit: UnitName): void {
    const machine = this.picture.placements.get(unit)?.machine ?? null;
    if (machine === null || !this.isFrozen(unit)) return;
    this.fixed.set(unit, machine);
    this.rooms.get(machine)?.seat(this.peer(unit));
  }

  /** The opposite, before it is asked about anew. */
  #unfix(unit: UnitName): void {
    const machine = this.fixed.get(unit);
    if (machine === undefined) return;
    this.fixed.delete(unit);
    this.rooms.get(machine)?.unseat(unit);
  }

  /** Before it is asked about anew: nothing is decided about it, nor does time change anything. */
  release(unit: UnitName): void {
    this.unseat(unit);
    this.#unfix(unit);
    this.wakesMs.delete(unit);
  }

  /** What these two change belongs into one decision. */
  join(one: UnitName, other: UnitName): void {
    const group = this.groupOf(one);
    for (const unit of this.groupOf(other)) {
      group.add(unit);
      this.#groups.set(unit, group);
    }
    this.#groups.set(one, group);
  }

  groupOf(unit: UnitName): Set<UnitName> {
    return this.#groups.get(unit) ?? new Set([unit]);
  }

  /** Machines on which something of the unit may be, or is to be. */
  machinesOf(unit: UnitName): readonly MachineId[] {
    const { ordered, reported } = this.lookups;
    const machines = [...ordered.of(unit)];
    for (const one of reported.of(unit)) if (!ordered.has(unit, one)) machines.push(one);
    const placed = this.picture.placements.get(unit)?.machine ?? null;
    const seated = this.seats.get(unit)?.machine ?? this.fixed.get(unit) ?? null;
    const isKnown = (one: MachineId): boolean => ordered.has(unit, one) || reported.has(unit, one);
    if (placed !== null && !isKnown(placed)) machines.push(placed);
    if (seated !== null && seated !== placed && !isKnown(seated)) machines.push(seated);
    return machines;
  }

  /** Plan again at `atMs`, even if nothing happens. */
  wakeAt(atMs: number): void {
    const known = this.wakesMs.get(this.subject) ?? atMs;
    this.wakesMs.set(this.subject, Math.min(known, atMs));
  }

  /** When time alone changes a decision; null when it never does. */
  get wakeAtMs(): number | null {
    let firstMs: number | null = null;
    for (const atMs of this.wakesMs.values()) firstMs = Math.min(firstMs ?? atMs, atMs);
    return firstMs;
  }
}

const none: Placement['refusals'] = [];

/** A map's entries, sorted by key: what is decided must not depend on the order of a map. */
export function sortedByKey<K extends string, V>(map: ReadonlyMap<K, V>): (readonly [K, V])[] {
  return [...map].sort(([left], [right]) => byText(left, right));
}
