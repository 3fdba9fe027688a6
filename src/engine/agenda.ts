import type { Steps } from '../lib/steps.ts';
import { WideSet } from '../lib/wide-map.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import { isWantedGlobal } from './globals.ts';
import type { PictureDelta } from './picture-delta.ts';

/**
 * What one plan asks about: all whose answer may be another one than in the plan before. Whoever
 * shares a room with a unit in conflict, and whoever is tied to it by `MachineOf=`, is asked with it.
 */
export class Agenda {
  /** Units that are judged anew. */
  readonly units = new WideSet<UnitName>();
  /** Global units that are asked about on every machine. */
  readonly globals = new Set<UnitName>();
  /** Machines on which every global unit is asked about. */
  readonly machines = new Set<MachineId>();
  /** Rooms in which something may be running that was not before, or the other way round. */
  readonly changedRooms = new Set<MachineId>();
  readonly #draft: Draft;
  readonly #asked = new WideSet<UnitName>();
  readonly #queue: UnitName[] = [];

  constructor(draft: Draft) {
    this.#draft = draft;
  }

  ask(unit: UnitName): void {
    if (this.#asked.has(unit)) return;
    this.#asked.add(unit);
    this.#queue.push(unit);
  }

  *askAll(units: Iterable<UnitName>): Steps {
    for (const unit of units) {
      yield;
      this.ask(unit);
    }
  }

  /** Call before the draft is turned: who got along with the units as they were. */
  *askBefore(delta: PictureDelta): Steps {
    for (const unit of [...delta.units, ...delta.unreadable]) {
      yield;
      this.#askNeighbours(unit, this.#draft.machinesOf(unit));
      this.#askTargets(this.#draft.picture.units.get(unit));
    }
    for (const rows of [delta.orders, delta.reports, delta.removals]) {
      for (const { machine, unit } of rows) {
        yield;
        this.#askNeighbours(unit, [machine]);
      }
    }
  }

  /** Call when the draft is turned. */
  *askAfter(delta: PictureDelta): Steps {
    for (const unit of [...delta.units, ...delta.unreadable]) {
      yield;
      this.ask(unit);
      for (const machine of this.#draft.machinesOf(unit)) this.changedRooms.add(machine);
    }
    yield* this.askAll(delta.placements);
    for (const rows of [delta.orders, delta.reports, delta.removals]) {
      for (const { machine, unit } of rows) {
        yield;
        this.changedRooms.add(machine);
        this.#askOn(machine, unit);
      }
    }
    for (const machine of delta.machines) this.changedRooms.add(machine);
  }

  /** All that a machine has to do with. */
  askMachine(machine: MachineId): void {
    const { picture, lookups } = this.#draft;
    this.machines.add(machine);
    for (const unit of lookups.residentsOf(machine)) this.ask(unit);
    for (const unit of lookups.refusedBy(machine)) this.ask(unit);
    for (const rows of [picture.orders, picture.reports, picture.removals]) {
      for (const unit of rows.get(machine)?.keys() ?? []) this.#askOn(machine, unit);
    }
  }

  /** All there is, where nothing was known before. */
  *askEverything(): Steps {
    const { picture, lookups } = this.#draft;
    for (const names of [picture.units.keys(), picture.placements.keys()]) {
      for (const unit of names) {
        yield;
        if (this.#asked.has(unit)) continue;
        this.#asked.add(unit);
        if (isWantedGlobal(this.#draft, unit)) this.globals.add(unit);
        else this.units.add(unit);
      }
    }
    for (const machine of picture.machines.keys()) this.changedRooms.add(machine);
    for (const rows of [picture.machines, picture.orders, picture.reports, picture.removals]) {
      for (const machine of rows.keys()) this.machines.add(machine);
    }
    for (const machine of lookups.away) this.machines.add(machine);
  }

  /** Adds who is asked with those who are. */
  *spread(): Steps {
    for (let unit = this.#queue.pop(); unit !== undefined; unit = this.#queue.pop()) {
      yield;
      const machines = this.#draft.machinesOf(unit);
      this.#askTargets(this.#draft.picture.units.get(unit));
      for (const follower of this.#draft.lookups.followersOf(unit)) this.ask(follower);
      if (isWantedGlobal(this.#draft, unit)) {
        this.globals.add(unit);
        continue;
      }
      this.units.add(unit);
      for (const machine of machines) this.machines.add(machine);
      this.#askNeighbours(unit, machines);
    }
  }

  #askOn(machine: MachineId, unit: UnitName): void {
    if (isWantedGlobal(this.#draft, unit)) this.machines.add(machine);
    else this.ask(unit);
  }

  #askNeighbours(unit: UnitName, machines: Iterable<MachineId>): void {
    for (const machine of machines) {
      for (const name of neighbours(this.#draft, unit, machine)) this.#askOn(machine, name);
    }
  }

  #askTargets(record: UnitRecord | undefined): void {
    for (const target of record?.requirements.machineOf ?? []) this.ask(target);
  }
}

/** Who does not get along with that unit, or with an orphan of its name, in that room. */
export function* neighbours(draft: Draft, unit: UnitName, machine: MachineId): Iterable<UnitName> {
  const { matches } = draft;
  const room = draft.rooms.get(machine);
  if (room === undefined) return;
  const peer = draft.peer(unit);
  for (const { name } of room.conflictsOf(peer, matches)) yield name;
  const tenant = room.tenants.get(unit);
  if (tenant === undefined || tenant === peer) return;
  for (const { name } of room.conflictsOf(tenant, matches)) yield name;
}
