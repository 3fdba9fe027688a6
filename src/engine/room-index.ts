import type { Steps } from '../lib/steps.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { Bits } from './bits.ts';
import { type Candidates, isCrowded, ScannedRooms } from './candidates.ts';
import type { Draft } from './draft.ts';
import { GlobIndex } from './glob-index.ts';
import { Levels, Occupancy } from './levels.ts';
import type { Refusal } from './objections.ts';
import { fits, ranked, type Seeker } from './rank.ts';
import { Ring } from './ring.ts';
import type { Doorkeeper, Room, Tenant } from './room.ts';
import { bitsOf, countOf, type Selection } from './selection.ts';
import { Suitability } from './suitability.ts';

/** How much of a machine's id `MachineID=` may give. */
const shortLength = 8;

const limits = {
  /** Names and globs that are remembered beyond those of tenants. */
  forgottenMax: 10_000,
} as const;

/**
 * Finds rooms without looking at each: a set of rooms is a set of bits, in the order of the ring, so
 * that who suits, who is blocked and who is emptiest are a few words at a time. What concerns one
 * unit on one machine (a copy, a refusal, an orphan) is asked of the rules.
 */
export class RoomIndex implements Candidates, Doorkeeper {
  readonly #draft: Draft;
  readonly #scanned: ScannedRooms;
  #ring = new Ring([]);
  #present = new Map<number, Room>();
  #suits = new Suitability(0, this.#present);
  #loads = new Levels(0);
  #globs = new GlobIndex(0, () => []);
  #instances = new Map<UnitName, Occupancy>();
  #byShortId = new Map<string, Set<Room>>();
  #tenantCount = 0;
  /** Rooms have come that have no slot: all is laid out again before the next question. */
  #isStale = true;

  constructor(draft: Draft) {
    this.#draft = draft;
    this.#scanned = new ScannedRooms(draft.rooms);
  }

  /** Call before questions, after rooms were furnished. `units` are those that will be asked about. */
  *refresh(units: Iterable<UnitName>): Steps {
    const isForgetful = this.#globs.size > 2 * this.#tenantCount + limits.forgottenMax;
    const isNew = this.#isStale || isForgetful;
    if (isNew) this.#layOut();
    for (const unit of units) {
      for (const pattern of this.#draft.peer(unit).avoids) this.#globs.know(pattern);
      yield;
    }
    if (!isNew) return;
    for (const room of this.#draft.rooms.values()) {
      for (const { avoids } of room.tenants.values()) {
        for (const pattern of avoids) this.#globs.know(pattern);
      }
      yield;
    }
    this.#isStale = false;
    for (const room of this.#draft.rooms.values()) {
      this.#open(room);
      const slot = this.#ring.slotOf(room);
      for (const tenant of room.tenants.values()) {
        if (slot !== undefined) this.#count(tenant, slot, 1);
      }
      yield;
    }
  }

  #layOut(): void {
    this.#ring = new Ring(this.#draft.rooms.values());
    const { capacity } = this.#ring;
    this.#present = new Map();
    this.#suits = new Suitability(capacity, this.#present);
    this.#loads = new Levels(capacity);
    this.#globs = new GlobIndex(capacity, (unit) => this.#slotsOf(unit));
    this.#instances = new Map();
    this.#byShortId = new Map();
    this.#tenantCount = 0;
  }

  opened(room: Room): void {
    if (!this.#isStale) this.#open(room);
  }

  closed(room: Room): void {
    const slot = this.#ring.slotOf(room);
    this.#byShortId.get(room.id.slice(0, shortLength))?.delete(room);
    if (this.#isStale || slot === undefined) return;
    this.#ring.leave(room);
    this.#present.delete(slot);
    this.#loads.delete(slot, 0);
    this.#suits.closed(slot);
  }

  entered(room: Room, tenant: Tenant): void {
    const slot = this.#isStale ? undefined : this.#ring.slotOf(room);
    if (slot === undefined) return;
    this.#loads.delete(slot, room.tenants.size - 1);
    this.#loads.add(slot, room.tenants.size);
    this.#count(tenant, slot, 1);
  }

  left(room: Room, tenant: Tenant): void {
    const slot = this.#isStale ? undefined : this.#ring.slotOf(room);
    if (slot === undefined) return;
    this.#loads.delete(slot, room.tenants.size + 1);
    this.#loads.add(slot, room.tenants.size);
    this.#count(tenant, slot, -1);
  }

  count(seeker: Seeker): number {
    const few = this.#few(seeker);
    return few === null ? countOf(this.#fitting(seeker, this.#special(seeker))) : few.length;
  }

  *ranked(seeker: Seeker): Iterable<Room> {
    const few = this.#few(seeker);
    if (few !== null) {
      yield* ranked(seeker.peer, few);
      return;
    }
    const special = this.#special(seeker);
    const fitting = this.#fitting(seeker, special);
    const first: Room[] = [];
    for (const room of special) {
      const slot = this.#ring.slotOf(room);
      const isFitting = slot !== undefined && fitting.all[0].has(slot);
      if (!isFitting || !room.holds(seeker.peer.name)) continue;
      if (!room.hasCopy(seeker.peer.name)) {
        yield* this.#scanned.ranked(seeker); // an orphan of its name counts as another instance
        return;
      }
      first.push(room);
      fitting.all[0].delete(slot);
    }
    if (first.length > 0) yield* ranked(seeker.peer, first);
    const start = this.#ring.from(seeker.peer.hash);
    for (const { all, none } of this.#byInstances(seeker.peer, fitting)) {
      for (const level of this.#loads.ascending()) {
        yield* this.#ring.clockwise({ all: [level, ...all], none }, start);
      }
    }
  }

  *crowded(seeker: Seeker): Iterable<Room> {
    if (this.#few(seeker) !== null) {
      yield* this.#scanned.crowded(seeker);
      return;
    }
    const blocked = this.#blocked(seeker);
    for (const room of this.#special(seeker)) blocked.add(this.#ring.slotOf(room) ?? 0);
    const open = { all: [this.#suits.placing(seeker), blocked], none: [] } as const;
    for (const room of this.#ring.clockwise(open, 0)) {
      if (isCrowded(seeker, room)) yield room;
    }
  }

  *housing(globs: readonly string[]): Iterable<Room> {
    const all = new Bits(this.#ring.capacity);
    for (const glob of globs) all.addAll(this.#globs.know(glob).matched.bits);
    yield* this.#ring.clockwise({ all: [all], none: [] }, 0);
  }

  suitsAnywhere(seeker: Seeker): boolean {
    if (seeker.requirements.machineId !== null) return this.#scanned.suitsAnywhere(seeker);
    const suited = new Bits(this.#ring.capacity);
    suited.addAll(this.#suits.lasting(seeker));
    for (const { machine } of seeker.refusals) {
      const room = this.#draft.rooms.get(machine);
      const slot = room === undefined ? undefined : this.#ring.slotOf(room);
      if (slot !== undefined) suited.delete(slot);
    }
    return suited.count > 0;
  }

  refusals(seeker: Seeker): readonly Refusal[] {
    return this.#scanned.refusals(seeker);
  }

  /** The few rooms that a unit asks for by name, as far as they fit; null: any may do. */
  #few(seeker: Seeker): readonly Room[] | null {
    const { machineOf, machineId } = seeker.requirements;
    const [target] = machineOf;
    if (target !== undefined) {
      const place = seeker.placeOf(target);
      const room = place.kind === 'on' ? this.#draft.rooms.get(place.machine) : undefined;
      return room !== undefined && fits(seeker, room, []) ? [room] : [];
    }
    if (machineId === null) return this.#isReported(seeker) ? this.#scanned.fitting(seeker) : null;
    const named = this.#byShortId.get(machineId.slice(0, shortLength)) ?? [];
    return [...named].filter((room) => fits(seeker, room, []));
  }

  /** A copy of a unit that must not run twice may speak against every machine. */
  #isReported({ requirements, peer }: Seeker): boolean {
    if (requirements.onPartition === undefined) return false;
    return [...this.#draft.lookups.reported.of(peer.name)].length > 0;
  }

  /** Rooms that fit. Where there are special ones it is one set, which may be changed. */
  #fitting(seeker: Seeker, special: readonly Room[]): Selection {
    const none: Bits[] = [];
    for (const pattern of seeker.peer.avoids) none.push(this.#globs.know(pattern).matched.bits);
    for (const { avoiders } of this.#globs.matching(seeker.peer.name)) {
      if (!avoiders.isEmpty) none.push(avoiders.bits);
    }
    const fitting: Selection = { all: [this.#suits.placing(seeker)], none };
    if (special.length === 0) return fitting;
    const bits = bitsOf(fitting, this.#ring.capacity);
    for (const room of special) {
      const slot = this.#ring.slotOf(room);
      if (slot === undefined) continue;
      if (fits(seeker, room, [])) bits.add(slot);
      else bits.delete(slot);
    }
    return { all: [bits], none: [] };
  }

  /** Rooms with somebody that the unit does not share one with. */
  #blocked({ peer }: Seeker): Bits {
    const blocked = new Bits(this.#ring.capacity);
    for (const pattern of peer.avoids) blocked.addAll(this.#globs.know(pattern).matched.bits);
    for (const { avoiders } of this.#globs.matching(peer.name)) blocked.addAll(avoiders.bits);
    return blocked;
  }

  /** Rooms where more than its requirements and its name counts: something of it is there. */
  #special({ peer, refusals }: Seeker): readonly Room[] {
    const machines = this.#draft.machinesOf(peer.name);
    if (machines.length + refusals.length === 0) return nowhere;
    const all = new Set<MachineId>(machines);
    for (const { machine } of refusals) all.add(machine);
    return [...all].flatMap((machine) => this.#draft.rooms.get(machine) ?? []);
  }

  /** Those rooms in groups: with fewer instances of its template first. */
  *#byInstances({ template }: Tenant, { all, none }: Selection): Iterable<Selection> {
    const instances = template === null ? undefined : this.#instances.get(template);
    if (instances?.levels == null) {
      yield { all, none };
      return;
    }
    yield { all, none: [...none, instances.bits] };
    for (const level of instances.levels.ascending()) yield { all: [level, ...all], none };
  }

  #open(room: Room): void {
    const isKnown = this.#present.get(this.#ring.slotOf(room) ?? -1) === room;
    const slot = this.#ring.enter(room);
    if (slot === null) {
      this.#isStale = true;
      return;
    }
    this.#present.set(slot, room);
    this.#suits.opened(slot, room);
    if (!isKnown) this.#loads.add(slot, room.tenants.size);
    const short = room.id.slice(0, shortLength);
    const sharing = this.#byShortId.get(short) ?? new Set();
    this.#byShortId.set(short, sharing.add(room));
  }

  #count(tenant: Tenant, slot: number, step: 1 | -1): void {
    this.#tenantCount += step;
    this.#globs.count(tenant, slot, step);
    const { template } = tenant;
    if (template === null) return;
    let instances = this.#instances.get(template);
    if (instances === undefined) {
      instances = new Occupancy(this.#ring.capacity, true);
      this.#instances.set(template, instances);
    }
    instances.count(slot, step);
    if (instances.isEmpty) this.#instances.delete(template);
  }

  /** Looks at every room: between two pictures nothing else tells for certain who is in which. */
  *#slotsOf(unit: UnitName): Iterable<number> {
    for (const room of this.#draft.rooms.values()) {
      const slot = room.tenants.has(unit) ? this.#ring.slotOf(room) : undefined;
      if (slot !== undefined) yield slot;
    }
  }
}

const nowhere: readonly Room[] = [];
