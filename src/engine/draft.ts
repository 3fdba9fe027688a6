import { byText } from '../lib/order.ts';
import { type Brake, isBraking } from '../model/brake.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import {
  type GlobMatcher,
  orphanPeer,
  type Peer,
  peerOf,
  rememberGlobs,
} from '../model/conflict.ts';
import { isConfirmedGone } from '../model/copy.ts';
import type { MachineId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import { isAdoptable, mayRun } from '../model/orphan.ts';
import type { Placement } from '../model/placement.ts';
import type { StateReport } from '../model/report.ts';
import type { Applicant, TargetPlace } from '../model/rules.ts';
import type { UnitRecord } from '../model/unit.ts';
import { matchesGlob } from '../unitfile/glob.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type Braking, planBrake, unbraked } from './brake.ts';
import { limits } from './limits.ts';
import { orphansOn, whyBarred } from './orphans.ts';
import { Refreshes } from './refresh.ts';
import { Room } from './room.ts';

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

/** For how long a machine is known to be absent without a break, ms; 0 when it is present. */
export type AbsentForMs = (machine: MachineId) => number;

/** What a plan knows of time. */
export interface PlanTime {
  /** Wall time, ms since 1970. */
  readonly nowMs: number;
  /** Before this, a machine that is absent may only not have come back yet. */
  readonly absenceCountsAtMs: number;
  readonly absentForMs: AbsentForMs;
}

/** A plan while it is made: the picture, with who sits where and who moves together. */
export class Draft {
  readonly picture: ClusterPicture;
  readonly nowMs: number;
  /** Machines that are present, sorted by id. */
  readonly rooms: ReadonlyMap<MachineId, Room>;
  /** Every order of a unit, by machine, sorted by machine. */
  readonly orders: ReadonlyMap<UnitName, ReadonlyMap<MachineId, Order>>;
  /** Non-global units that have a machine after this plan. */
  readonly seats = new Map<UnitName, Seat>();
  /**
   * Machines that are absent, though not for long enough: the store was away, or this leader was,
   * and their leases may have run out meanwhile; or several went at once. What they run stays theirs.
   */
  readonly awaited: ReadonlySet<MachineId>;
  /** The brake as it is after this plan; see `planBrake`. */
  readonly brake: Brake | null;
  /** Vanished machines that keep their units while the brake is on. */
  readonly braked: ReadonlySet<MachineId>;
  /** For how long the leader has seen a machine to be absent; see `LeaderSession`. */
  readonly absentForMs: AbsentForMs;
  /** When time alone changes a decision; null when it never does. */
  wakeAtMs: number | null = null;
  readonly #peers = new Map<UnitName, Peer>();
  readonly #groups = new Map<UnitName, Set<UnitName>>();
  readonly refreshes: Refreshes;
  readonly #matches: GlobMatcher = rememberGlobs(matchesGlob);

  constructor(picture: ClusterPicture, now: PlanTime, { rules, overdue }: Braking = unbraked) {
    const { nowMs, absenceCountsAtMs, absentForMs } = now;
    this.picture = picture;
    this.nowMs = nowMs;
    this.absentForMs = absentForMs;
    const isBlind = nowMs < absenceCountsAtMs;
    const unseen = isBlind ? absentees(picture) : new Set<MachineId>();
    const { brake, wakeAtMs } = planBrake({ picture, nowMs, awaited: unseen, overdue }, rules);
    this.brake = brake;
    const isFree = !isBlind && !isBraking(brake);
    const leftMs = isFree
      ? returning(picture, absentForMs, rules.ttlMs)
      : new Map<MachineId, number>();
    this.awaited = isFree ? new Set(leftMs.keys()) : unseen;
    if (unseen.size > 0) this.wakeAt(absenceCountsAtMs);
    for (const ms of leftMs.values()) this.wakeAt(nowMs + ms);
    this.braked = new Set(brake?.waiting);
    if (wakeAtMs !== null) this.wakeAt(wakeAtMs);
    this.rooms = new Map(
      sortedByKey(picture.machines).map(([id, machine]) => {
        const copies = unconfirmed(picture, id);
        const orphans = [...orphansOn(picture, id)].filter(([, report]) => mayRun(report));
        const peers = [
          ...[...copies.keys()].map((unit) => this.peer(unit)),
          ...orphans.map(([name, { orphan }]) => orphanPeer(name, orphan?.avoids ?? [])),
        ];
        return [id, new Room(machine, copies, this.#adoption(orphans, id), peers)];
      }),
    );
    this.orders = byUnit(picture.orders);
    const placements = picture.placements.values();
    this.refreshes = new Refreshes(placements, nowMs, (atMs) => this.wakeAt(atMs));
  }

  /** A unit that nothing may be decided about: without a record, or with one not understood. */
  isFrozen(unit: UnitName): boolean {
    return this.picture.unreadable.has(unit) || !this.picture.units.has(unit);
  }

  peer(unit: UnitName): Peer {
    const known = this.#peers.get(unit);
    if (known !== undefined) return known;
    const isReadable = !this.picture.unreadable.has(unit);
    const record = isReadable ? this.picture.units.get(unit) : undefined;
    const peer = peerOf(unit, record?.requirements ?? null);
    this.#peers.set(unit, peer);
    return peer;
  }

  applicant(unit: UnitName, record: UnitRecord): Applicant {
    return {
      peer: this.peer(unit),
      requirements: record.requirements,
      refusals: this.refusals(unit, record),
      placeOf: (target) => this.placeOf(target),
      whyBarred: (machine) => whyBarred(this.picture, machine, unit),
      matches: this.#matches,
    };
  }

  #adoption(
    orphans: readonly (readonly [UnitName, StateReport])[],
    machine: MachineId,
  ): ReadonlyMap<UnitName, 'adoptable' | 'in the way'> {
    return new Map(
      orphans.map(([unit, report]) => {
        const record = this.picture.units.get(unit);
        const isSame = record !== undefined && isAdoptable(record, report);
        const isFree = isSame && whyBarred(this.picture, machine, unit) === null;
        return [unit, isFree ? 'adoptable' : 'in the way'];
      }),
    );
  }

  matches(pattern: string, name: string): boolean {
    return this.#matches(pattern, name);
  }

  report(machine: MachineId, unit: UnitName): StateReport | undefined {
    return this.picture.reports.get(machine)?.get(unit);
  }

  order(machine: MachineId, unit: UnitName): Order | undefined {
    return this.picture.orders.get(machine)?.get(unit);
  }

  /** Present machines that refused this identity, now or earlier; sorted by machine. */
  refusals(unit: UnitName, record: UnitRecord): Placement['refusals'] {
    if (record.requirements.global) return [];
    const stored = this.picture.placements.get(unit);
    const refusals = new Map<MachineId, string>();
    for (const { machine, why } of stored?.identity === record.identity ? stored.refusals : []) {
      if (this.rooms.has(machine)) refusals.set(machine, why);
    }
    for (const machine of this.orders.get(unit)?.keys() ?? []) {
      const report = this.report(machine, unit);
      if (report?.current !== 'refused' || report.identity !== record.identity) continue;
      if (this.rooms.has(machine)) refusals.set(machine, report.problem ?? 'without a reason');
    }
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
    this.seats.set(unit, seat);
    this.rooms.get(seat.machine)?.seat(this.peer(unit));
  }

  unseat(unit: UnitName): void {
    const seat = this.seats.get(unit);
    if (seat === undefined) return;
    this.seats.delete(unit);
    this.rooms.get(seat.machine)?.unseat(unit);
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

  /** Plan again at `atMs`, even if nothing happens. */
  wakeAt(atMs: number): void {
    this.wakeAtMs = this.wakeAtMs === null ? atMs : Math.min(this.wakeAtMs, atMs);
  }
}

/** A map's entries, sorted by key: what is decided must not depend on the order of a map. */
export function sortedByKey<K extends string, V>(map: ReadonlyMap<K, V>): (readonly [K, V])[] {
  return [...map].sort(([left], [right]) => byText(left, right));
}

/** Machines that were present when a leader last looked, did not say that they leave, and are gone. */
function absentees(picture: ClusterPicture): Set<MachineId> {
  const members = [...picture.members.values()];
  return new Set(
    members
      .filter(({ id, leaving, vanishedMs }) => {
        return vanishedMs === null && !leaving && !picture.machines.has(id);
      })
      .map(({ id }) => id),
  );
}

/**
 * For how long yet each of those that vanished just now may only be about to return, ms: an etcd that
 * led, stood still and goes on ends leases that were renewed elsewhere meanwhile (etcd-io/etcd#15247).
 * Their machines see it and join again at once; several need the same etcd for it, all in one moment.
 */
function returning(
  picture: ClusterPicture,
  absentForMs: AbsentForMs,
  ttlMs: number,
): Map<MachineId, number> {
  const within = (ms: number): (readonly [MachineId, number])[] =>
    [...absentees(picture)]
      .map((id) => [id, ms - absentForMs(id)] as const)
      .filter(([, leftMs]) => leftMs > 0);
  const together = within(ttlMs * limits.returnTogetherTtlShare);
  return new Map(together.length > 1 ? together : within(ttlMs * limits.returnTtlShare));
}

function unconfirmed(picture: ClusterPicture, machine: MachineId): Map<UnitName, Order> {
  const orders = picture.orders.get(machine) ?? new Map<UnitName, Order>();
  const reports = picture.reports.get(machine);
  return new Map(
    [...orders].filter(([unit, order]) => !isConfirmedGone(order, reports?.get(unit))),
  );
}

function byUnit(orders: ClusterPicture['orders']): Map<UnitName, Map<MachineId, Order>> {
  const units = new Map<UnitName, Map<MachineId, Order>>();
  for (const [machine, ofMachine] of sortedByKey(orders)) {
    for (const [unit, order] of ofMachine) {
      const machines = units.get(unit) ?? new Map<MachineId, Order>();
      units.set(unit, machines.set(machine, order));
    }
  }
  return units;
}
