import type { Steps } from '../lib/steps.ts';
import { WideMap, WideSet } from '../lib/wide-map.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId } from '../model/ids.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { PictureDelta, Row } from './picture-delta.ts';
import { Whereabouts } from './whereabouts.ts';

/** What plans ask of a picture other than by its keys. Follows it from one to the next. */
export class Lookups {
  /** Where each unit has an order, and where a report. */
  readonly ordered = new Whereabouts();
  readonly reported = new Whereabouts();
  /** Members that are not present. */
  readonly away = new Set<MachineId>();
  /** Machines that are present and shutting down. */
  readonly leaving = new Set<MachineId>();
  readonly globals = new Set<UnitName>();
  /** Units with `Replaces=`. */
  readonly replacers = new Set<UnitName>();
  readonly #residents = new Map<MachineId, Set<UnitName>>();
  readonly #refused = new Map<MachineId, Set<UnitName>>();
  /** When the objections of a placement were last written anew. */
  readonly refreshedMs = new Map<UnitName, number>();
  /** Texts that are stored and that no unit and no order refers to. */
  readonly unusedTexts = new WideSet<ContentHash>();
  /** Machines with orders of units that have no record: how many. */
  readonly #strayCounts = new Map<MachineId, number>();
  readonly #strays = new Whereabouts();
  readonly #followers = new Map<UnitName, Set<UnitName>>();
  readonly #textUses = new WideMap<ContentHash, number>();

  /** Machines with orders of units that have no record. */
  strayMachines(): Iterable<MachineId> {
    return this.#strayCounts.keys();
  }

  /** Units with this one in their `MachineOf=`. */
  followersOf(unit: UnitName): ReadonlySet<UnitName> {
    return this.#followers.get(unit) ?? nobody;
  }

  /** Units whose stored placement is that machine. */
  residentsOf(machine: MachineId): ReadonlySet<UnitName> {
    return this.#residents.get(machine) ?? nobody;
  }

  /** Units whose stored placement tells that this machine refused them. */
  refusedBy(machine: MachineId): ReadonlySet<UnitName> {
    return this.#refused.get(machine) ?? nobody;
  }

  /** How many units and orders refer to a text. */
  textUseCount(text: ContentHash): number {
    return this.#textUses.get(text) ?? 0;
  }

  /** The picture is `after` now. */
  *turn(before: ClusterPicture, after: ClusterPicture, delta: PictureDelta): Steps {
    for (const row of delta.orders) {
      yield;
      this.#turnOrder(before, after, row);
    }
    for (const { machine, unit } of delta.reports) {
      yield;
      const isReported = after.reports.get(machine)?.has(unit) === true;
      if (isReported) this.reported.add(unit, machine);
      else this.reported.delete(unit, machine);
    }
    for (const unit of delta.units) {
      yield;
      this.#turnUnit(before, after, unit);
    }
    for (const unit of delta.placements) {
      yield;
      this.#turnPlacement(before, after, unit);
    }
    for (const machine of delta.machines) {
      setMember(this.leaving, machine, after.machines.get(machine)?.leaving === true);
    }
    for (const machine of [...delta.machines, ...delta.members]) {
      setMember(this.away, machine, after.members.has(machine) && !after.machines.has(machine));
    }
    for (const text of delta.texts) {
      yield;
      this.#judgeText(after, text);
    }
  }

  #turnOrder(before: ClusterPicture, after: ClusterPicture, { machine, unit }: Row): void {
    const was = before.orders.get(machine)?.get(unit);
    const is = after.orders.get(machine)?.get(unit);
    if (is === undefined) this.ordered.delete(unit, machine);
    else this.ordered.add(unit, machine);
    this.#turnText(after, was?.contentHash, is?.contentHash);
    this.#judgeStray(after, machine, unit);
  }

  #turnUnit(before: ClusterPicture, after: ClusterPicture, unit: UnitName): void {
    const was = before.units.get(unit);
    const is = after.units.get(unit);
    for (const of of was?.requirements.machineOf ?? []) removeFrom(this.#followers, of, unit);
    for (const of of is?.requirements.machineOf ?? []) addTo(this.#followers, of, unit);
    setMember(this.globals, unit, is?.requirements.global === true);
    setMember(this.replacers, unit, (is?.requirements.replaces.length ?? 0) > 0);
    this.#turnText(after, was?.contentHash, is?.contentHash);
    if ((was === undefined) === (is === undefined)) return;
    for (const machine of [...this.ordered.of(unit), ...this.#strays.of(unit)]) {
      this.#judgeStray(after, machine, unit);
    }
  }

  #turnPlacement(before: ClusterPicture, after: ClusterPicture, unit: UnitName): void {
    const was = before.placements.get(unit);
    const is = after.placements.get(unit);
    if (typeof was?.machine === 'string') removeFrom(this.#residents, was.machine, unit);
    if (typeof is?.machine === 'string') addTo(this.#residents, is.machine, unit);
    for (const { machine } of was?.refusals ?? []) removeFrom(this.#refused, machine, unit);
    for (const { machine } of is?.refusals ?? []) addTo(this.#refused, machine, unit);
    if (is?.refreshedMs === undefined) this.refreshedMs.delete(unit);
    else this.refreshedMs.set(unit, is.refreshedMs);
  }

  #judgeStray(after: ClusterPicture, machine: MachineId, unit: UnitName): void {
    const wasStray = this.#strays.has(unit, machine);
    const isStray = after.orders.get(machine)?.has(unit) === true && !after.units.has(unit);
    if (wasStray === isStray) return;
    if (isStray) this.#strays.add(unit, machine);
    else this.#strays.delete(unit, machine);
    const count = (this.#strayCounts.get(machine) ?? 0) + (isStray ? 1 : -1);
    if (count === 0) this.#strayCounts.delete(machine);
    else this.#strayCounts.set(machine, count);
  }

  #turnText(after: ClusterPicture, was?: ContentHash, is?: ContentHash): void {
    if (was === is) return;
    for (const [text, step] of [[was, -1] as const, [is, 1] as const]) {
      if (text === undefined) continue;
      const count = this.textUseCount(text) + step;
      if (count === 0) this.#textUses.delete(text);
      else this.#textUses.set(text, count);
      this.#judgeText(after, text);
    }
  }

  #judgeText(after: ClusterPicture, text: ContentHash): void {
    setMember(this.unusedTexts, text, after.texts.has(text) && this.textUseCount(text) === 0);
  }
}

const nobody: ReadonlySet<UnitName> = new Set();

function addTo<Key>(sets: Map<Key, Set<UnitName>>, key: Key, unit: UnitName): void {
  const set = sets.get(key);
  if (set === undefined) sets.set(key, new Set([unit]));
  else set.add(unit);
}

function removeFrom<Key>(sets: Map<Key, Set<UnitName>>, key: Key, unit: UnitName): void {
  const set = sets.get(key);
  set?.delete(unit);
  if (set?.size === 0) sets.delete(key);
}

function setMember<Value>(
  set: Pick<Set<Value>, 'delete'> & { add(value: Value): unknown },
  value: Value,
  isMember: boolean,
): void {
  if (isMember) set.add(value);
  else set.delete(value);
}
