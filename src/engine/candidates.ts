import type { MachineId } from '../model/ids.ts';
import { lastingRules, placingRules, whyNot } from '../model/rules.ts';
import type { Refusal } from './objections.ts';
import { fits, ranked, type Seeker } from './rank.ts';
import type { Room } from './room.ts';

/** Which rooms would take a unit. */
export interface Candidates {
  /** How many of them fit. */
  count(seeker: Seeker): number;
  /** Those that fit, the best first (see `ranked`); nobody moves while it is walked. */
  ranked(seeker: Seeker): Iterable<Room>;
  /** Those that would fit but for who is there. */
  crowded(seeker: Seeker): Iterable<Room>;
  /** Those with a tenant that one of the globs matches, and perhaps others. */
  housing(globs: readonly string[]): Iterable<Room>;
  /** Whether there is a machine that would do if nothing else ran there. */
  suitsAnywhere(seeker: Seeker): boolean;
  /** What each room says against it. */
  refusals(seeker: Seeker): readonly Refusal[];
}

/** Finds them by looking at every room. */
export class ScannedRooms implements Candidates {
  readonly #rooms: ReadonlyMap<MachineId, Room>;

  constructor(rooms: ReadonlyMap<MachineId, Room>) {
    this.#rooms = rooms;
  }

  count(seeker: Seeker): number {
    return this.fitting(seeker).length;
  }

  ranked(seeker: Seeker): Iterable<Room> {
    return ranked(seeker.peer, this.fitting(seeker));
  }

  crowded(seeker: Seeker): Iterable<Room> {
    return [...this.#rooms.values()].filter((room) => isCrowded(seeker, room));
  }

  housing(): Iterable<Room> {
    return this.#rooms.values();
  }

  suitsAnywhere(seeker: Seeker): boolean {
    const rooms = [...this.#rooms.values()];
    return rooms.some(({ machine }) => {
      return whyNot(lastingRules, seeker, { machine, peers: [] }) === null;
    });
  }

  refusals(seeker: Seeker): readonly Refusal[] {
    return [...this.#rooms.values()].map((room) => ({
      machine: room.id,
      why: whyRefused(seeker, room),
    }));
  }

  /** All that fit, in no order. */
  fitting(seeker: Seeker): Room[] {
    return [...this.#rooms.values()].filter((room) => fits(seeker, room, []));
  }
}

/** True when nothing but tenants speaks against the unit there. */
export function isCrowded(seeker: Seeker, room: Room): boolean {
  const isEmptyFine = whyNot(placingRules, seeker, { machine: room.machine, peers: [] }) === null;
  return isEmptyFine && room.conflictsOf(seeker.peer, seeker.matches).length > 0;
}

/** What a room says against a unit that found none. */
export function whyRefused(seeker: Seeker, room: Room): string {
  const peers = room.conflictsOf(seeker.peer, seeker.matches);
  const why = whyNot(placingRules, seeker, { machine: room.machine, peers });
  return why ?? 'room was made there too late';
}
