import { changedKeys, changedMembers } from '../lib/changed-keys.ts';
import { byText } from '../lib/order.ts';
import { gathered, type Steps, sorted } from '../lib/steps.ts';
import { WideMap, WideSet } from '../lib/wide-map.ts';
import type { Decision } from '../model/change.ts';
import { type ClusterPicture, emptyPicture } from '../model/cluster-picture.ts';
import { inConflict } from '../model/conflict.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { Agenda, neighbours } from './agenda.ts';
import { type BrakeRules, type Braking, brakeDecisions, vanishingToBrake } from './brake.ts';
import { unitDecisions } from './decisions.ts';
import { Draft } from './draft.ts';
import { type Following, followings, isPlaceable } from './followers.ts';
import { forgetMembers } from './forget.ts';
import { furnish } from './furnish.ts';
import { addGlobals, isWantedGlobal, keepGlobals, wantedGlobals } from './globals.ts';
import { type Homeless, keepSeats } from './keep.ts';
import { memberDecisions, membersIn } from './members.ts';
import { orphanDecisions } from './orphans.ts';
import { deltaOf, type PictureDelta } from './picture-delta.ts';
import type { Plan } from './plan.ts';
import type { PlanTime } from './plan-time.ts';
import { globalChangesOn, unitChanges } from './plan-unit.ts';
import type { Room, Tenant } from './room.ts';
import { RoomIndex } from './room-index.ts';
import { settle } from './settle.ts';
import type { Reasoned } from './subject.ts';
import { unusedTextDecisions } from './texts.ts';
import { Traffic } from './traffic.ts';

/**
 * Plans picture after picture, and asks each time only about what may have changed since. Its plans
 * are those of `planCluster`, which asks about everything.
 */
export class Planner {
  readonly #draft: Draft;
  readonly #index: RoomIndex;
  readonly #traffic: Traffic;
  /** Units without a seat, or where they should not be: whoever moves may be good news for them. */
  readonly #unhappy = new Set<UnitName>();
  /** Units on a circle of MachineOf=, each with the circle in words. */
  readonly #circles = new Map<UnitName, string>();
  /** Global units that are seated in each room. */
  readonly #seatedGlobals = new Map<MachineId, readonly UnitName[]>();
  readonly #orphanRooms = new Set<MachineId>();
  /** What is asked about in the next plan whatever happens: this one wants it changed, or time may. */
  #openUnits = new WideSet<UnitName>();
  #openMachines = new Set<MachineId>();
  #openMembers = new Set<MachineId>();

  constructor() {
    let index: RoomIndex | undefined;
    this.#draft = new Draft((draft) => {
      index = new RoomIndex(draft);
      return index;
    });
    this.#index = index ?? new RoomIndex(this.#draft);
    this.#traffic = new Traffic(this.#index);
  }

  /** The plan for the newest picture. Stops now and then; begin no other before it has ended. */
  *plan(stored: ClusterPicture, time: PlanTime, braking: Braking): Steps<Plan> {
    const draft = this.#draft;
    const { picture, decisions: forgotten } = forgetMembers(stored, time.absentForMs);
    const delta = yield* deltaOf(draft.picture, picture);
    const agenda = new Agenda(draft);
    const changed = yield* this.#turn(picture, time, braking, delta, agenda);
    const homeless = yield* this.#judgeAll(agenda);
    keepGlobals(draft, this.#rooms(agenda.machines));
    yield* settle(draft, homeless.homeless, homeless.following);
    const touched = yield* this.#touchedBy(agenda);
    const changes = yield* this.#changes(agenda, touched);
    const members = memberDecisions(draft, [...changed, ...delta.members, ...this.#openMembers]);
    yield* this.#stayOpen(changes, touched, agenda, members);
    const ofOrphans = orphanDecisions(picture, draft.lookups.strayMachines());
    const ofUnits = members.concat(ofOrphans, yield* unitDecisions(draft, changes));
    const ofTexts = yield* unusedTextDecisions(draft, ofUnits);
    const first = [...brakeDecisions(picture.brake, draft.brake), ...forgotten];
    return { decisions: first.concat(ofUnits, ofTexts), wakeAtMs: draft.wakeAtMs };
  }

  /** null: no machine is seen to be gone that was not before; otherwise see `vanishingToBrake`. */
  vanishingToBrake(picture: ClusterPicture, rules: BrakeRules): number | null {
    const { picture: before, lookups } = this.#draft;
    const changed = [
      ...changedKeys(before.machines, picture.machines),
      ...changedKeys(before.members, picture.members),
    ];
    return vanishingToBrake(picture, rules, [...lookups.away, ...lookups.leaving, ...changed]);
  }

  /** Goes on to another picture; returns the machines of which another thing is known than before. */
  *#turn(
    picture: ClusterPicture,
    time: PlanTime,
    braking: Braking,
    delta: PictureDelta,
    agenda: Agenda,
  ): Steps<ReadonlySet<MachineId>> {
    const draft = this.#draft;
    const { awaited, braked, picture: before } = draft;
    const isFirst = before === emptyPicture;
    this.#traffic.clear();
    if (!isFirst) yield* agenda.askBefore(delta);
    yield* draft.turn(picture, time, braking, delta);
    const changed = new Set(delta.machines);
    for (const id of changedMembers(awaited, draft.awaited)) changed.add(id);
    for (const id of changedMembers(braked, draft.braked)) changed.add(id);
    if (isFirst) yield* agenda.askEverything();
    else {
      yield* agenda.askAfter(delta);
      for (const id of [...changed, ...this.#orphanRooms]) agenda.askMachine(id);
    }
    for (const id of [...agenda.changedRooms, ...this.#orphanRooms]) {
      yield;
      furnish(draft, id, this.#traffic);
      agenda.machines.add(id);
      if (draft.rooms.get(id)?.hasOrphans === true) {
        this.#orphanRooms.add(id);
        agenda.askMachine(id);
      } else this.#orphanRooms.delete(id);
    }
    for (const id of this.#openMachines) agenda.machines.add(id);
    yield* agenda.askAll(this.#openUnits);
    if (delta.machines.length > 0) yield* agenda.askAll(this.#unhappy);
    return changed;
  }

  /** Judges all who are asked, as often as it turns out that others have to be asked as well. */
  *#judgeAll(
    agenda: Agenda,
  ): Steps<{ homeless: ReadonlyMap<UnitName, Homeless>; following: Following }> {
    for (;;) {
      const answer = yield* this.#judge(agenda);
      const askedCount = agenda.units.size;
      for (const unit of this.#hopeful(answer.homeless)) agenda.ask(unit);
      yield* agenda.spread();
      if (agenda.units.size === askedCount) return answer;
    }
  }

  *#judge(
    agenda: Agenda,
  ): Steps<{ homeless: ReadonlyMap<UnitName, Homeless>; following: Following }> {
    const draft = this.#draft;
    yield* agenda.spread();
    yield* this.#index.refresh(agenda.units);
    if (agenda.globals.size > 0) for (const id of draft.rooms.keys()) agenda.machines.add(id);
    for (const asked of [agenda.units, agenda.globals]) {
      for (const unit of asked) {
        yield;
        draft.release(unit);
      }
    }
    for (const room of this.#rooms(agenda.machines)) {
      for (const unit of this.#seatedGlobals.get(room.id) ?? []) room.unseat(unit);
    }
    for (const unit of agenda.units) {
      yield;
      draft.fix(unit);
    }
    const names = yield* sorted(agenda.units, byText);
    const units = new WideMap<UnitName, UnitRecord>();
    for (const unit of names) {
      yield;
      const record = draft.picture.units.get(unit);
      if (record !== undefined && isPlaceable(draft.picture, unit)) units.set(unit, record);
    }
    const following = yield* followings(units, names);
    for (const unit of this.#circles.keys()) if (agenda.units.has(unit)) this.#circles.delete(unit);
    for (const [unit, circle] of following.circles) this.#circles.set(unit, circle);
    return { homeless: yield* keepSeats(draft, units, following), following };
  }

  /** Who may find a room now that could not before. */
  #hopeful(homeless: ReadonlyMap<UnitName, Homeless>): Iterable<UnitName> {
    const { replacers } = this.#draft.lookups;
    const isReplacing = [...replacers].some((unit) => homeless.has(unit));
    return isReplacing ? [...this.#unhappy] : this.#inConflictWith(this.#traffic.departures);
  }

  #inConflictWith(others: readonly Tenant[]): readonly UnitName[] {
    if (others.length === 0) return [];
    const { matches } = this.#draft;
    return [...this.#unhappy].filter((unit) => {
      const peer = this.#draft.peer(unit);
      return others.some((other) => inConflict(peer, other, matches));
    });
  }

  /** Adds the global units that are not seated yet; returns all whose changes have to be found. */
  *#touchedBy(agenda: Agenda): Steps<ReadonlySet<UnitName>> {
    const draft = this.#draft;
    for (const id of this.#traffic.leftRooms) agenda.machines.add(id);
    addGlobals(draft, this.#rooms(agenda.machines));
    const touched = yield* gathered(agenda.units, agenda.globals, draft.moved);
    for (const unit of draft.moved) {
      yield;
      if (!agenda.units.has(unit)) this.#touchNeighbours(unit, draft.machinesOf(unit), touched);
    }
    for (const id of agenda.machines) this.#touchBesideGlobals(id, touched, agenda);
    if ([...this.#unhappy].every((unit) => touched.has(unit))) return touched;
    const { departures, entries } = this.#traffic;
    for (const unit of this.#inConflictWith([...departures, ...entries])) touched.add(unit);
    return touched;
  }

  /** Whoever shares a room with a global unit that has come or gone, or asks for other things now. */
  #touchBesideGlobals(id: MachineId, touched: WideSet<UnitName>, agenda: Agenda): void {
    const before = this.#seatedGlobals.get(id) ?? [];
    const room = this.#draft.rooms.get(id);
    const now = wantedGlobals(this.#draft).flatMap(([unit]) => {
      return room?.seated.has(unit) === true ? [unit] : [];
    });
    const news = [...changedMembers(new Set(before), new Set(now)), ...agenda.globals];
    for (const unit of news) this.#touchNeighbours(unit, [id], touched);
    if (now.length > 0) this.#seatedGlobals.set(id, now);
    else this.#seatedGlobals.delete(id);
  }

  #touchNeighbours(unit: UnitName, on: Iterable<MachineId>, touched: WideSet<UnitName>): void {
    for (const id of on) {
      for (const name of neighbours(this.#draft, unit, id)) touched.add(name);
    }
  }

  /** What the store lacks about each of them, by name. */
  *#changes(
    agenda: Agenda,
    touched: ReadonlySet<UnitName>,
  ): Steps<ReadonlyMap<UnitName, readonly Reasoned[]>> {
    const draft = this.#draft;
    const machines = [...agenda.machines].sort(byText);
    const globals = machines.length > 0 ? wantedGlobals(draft).map(([unit]) => unit) : [];
    const asked = yield* gathered(touched, globals, agenda.globals);
    const names = yield* sorted(asked, byText);
    const changes = new WideMap<UnitName, readonly Reasoned[]>();
    for (const unit of names) {
      yield;
      const record = draft.picture.units.get(unit);
      if (record === undefined || draft.isFrozen(unit)) continue;
      draft.subject = unit;
      const isEverywhere = !isWantedGlobal(draft, unit) || agenda.globals.has(unit);
      const circle = this.#circles.get(unit) ?? null;
      const found = isEverywhere
        ? unitChanges(draft, { unit, record, circle })
        : globalChangesOn(draft, { unit, record }, machines);
      if (found.length > 0) changes.set(unit, found);
    }
    draft.subject = null;
    return changes;
  }

  /** Notes what has to be asked about again, and who is unhappy. */
  *#stayOpen(
    changes: ReadonlyMap<UnitName, readonly Reasoned[]>,
    touched: ReadonlySet<UnitName>,
    agenda: Agenda,
    members: readonly Decision[],
  ): Steps {
    const draft = this.#draft;
    const { picture, lookups, rooms } = draft;
    this.#openUnits = new WideSet();
    this.#openMachines = new Set();
    for (const unit of draft.wakesMs.keys()) if (unit !== null) this.#openUnits.add(unit);
    for (const [unit, found] of changes) {
      yield;
      const isGlobal = isWantedGlobal(draft, unit);
      for (const { change } of found) {
        const isOrder = change.kind === 'order' || change.kind === 'withdraw';
        if (isGlobal && isOrder) this.#openMachines.add(change.machine);
        else this.#openUnits.add(unit);
      }
    }
    for (const unit of touched) {
      yield;
      const seat = draft.seats.get(unit);
      const isUnhappy = isPlaceable(picture, unit) && (seat === undefined || seat.kind === 'kept');
      if (isUnhappy) this.#unhappy.add(unit);
      else this.#unhappy.delete(unit);
      const isHeld = draft.ordersOf(unit).some(([machine, { guard }]) => {
        return guard !== undefined && !rooms.has(machine);
      });
      const isReplacing = isUnhappy && lookups.replacers.has(unit);
      if (seat?.kind === 'placed' || isHeld || isReplacing) this.#openUnits.add(unit);
    }
    for (const room of this.#rooms(agenda.machines)) {
      const added = this.#seatedGlobals.get(room.id) ?? [];
      if (added.some((unit) => !room.copies.has(unit))) this.#openMachines.add(room.id);
    }
    this.#openMembers = membersIn(members);
  }

  #rooms(machines: Iterable<MachineId>): Room[] {
    return [...machines].flatMap((id) => this.#draft.rooms.get(id) ?? []);
  }
}
