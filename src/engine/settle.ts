import { byText } from '../lib/order.ts';
import { type Steps, sorted } from '../lib/steps.ts';
import { WideSet } from '../lib/wide-map.ts';
import type { Peer } from '../model/conflict.ts';
import type { Applicant } from '../model/rules.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import type { Following } from './followers.ts';
import { type Homeless, keptWords } from './keep.ts';
import { fits } from './rank.ts';
import { Repair } from './repair.ts';
import { replaceSomebody } from './replace.ts';
import type { Room } from './room.ts';

/** Finds machines for the homeless, most constrained first. */
export function* settle(
  draft: Draft,
  homeless: ReadonlyMap<UnitName, Homeless>,
  following: Following,
): Steps {
  if (homeless.size === 0) return;
  const followers = yield* followersOf(homeless.values());
  yield* new Settler(draft, homeless, following, followers).settleAll();
}

/** One search for machines. A unit it could not place has no seat, or its fallback. */
class Settler {
  readonly #draft: Draft;
  readonly #homeless: ReadonlyMap<UnitName, Homeless>;
  readonly #following: Following;
  readonly #followers: ReadonlyMap<UnitName, readonly UnitName[]>;
  readonly #settled = new WideSet<UnitName>();
  readonly #repair: Repair;

  constructor(
    draft: Draft,
    homeless: ReadonlyMap<UnitName, Homeless>,
    following: Following,
    followers: ReadonlyMap<UnitName, readonly UnitName[]>,
  ) {
    this.#draft = draft;
    this.#homeless = homeless;
    this.#following = following;
    this.#followers = followers;
    this.#repair = new Repair(draft);
  }

  /**
   * Tries everybody, and whoever got no seat again until nothing changes: a unit may replace one
   * that was placed after it, and make room for others by that.
   */
  *settleAll(): Steps {
    for (let hasChanged = true; hasChanged; ) {
      hasChanged = false;
      for (const unit of this.#settled) {
        yield;
        if (!this.#draft.seats.has(unit)) this.#settled.delete(unit);
      }
      for (const { one } of yield* this.#inOrder()) {
        if (this.#settled.has(one.unit)) continue;
        yield;
        yield* this.#settleOne(one);
        if (this.#draft.seats.has(one.unit)) hasChanged = true;
      }
    }
  }

  /** Seats a unit, then those who follow it. */
  *#settleOne(one: Homeless): Steps {
    const targets = one.record.requirements.machineOf;
    const isLater = targets.some((of) => this.#homeless.has(of) && !this.#settled.has(of));
    const isCircular = this.#following.circles.has(one.unit);
    if (isLater && !isCircular) return;
    this.#settled.add(one.unit);
    if (!isCircular) yield* this.#seat(one);
    for (const follower of this.#followers.get(one.unit) ?? []) {
      const homeless = this.#homeless.get(follower);
      if (homeless !== undefined && !this.#settled.has(follower)) yield* this.#settleOne(homeless);
    }
  }

  /** A unit that had no machine replaces others first; one that lost its machine only at last. */
  *#seat(one: Homeless): Steps {
    if (one.isNew && replaceSomebody(this.#draft, one)) return;
    const seeker = this.#draft.seeker(one.unit, one.record);
    const room = this.#bestFor(one, this.#draft.candidates.ranked(seeker));
    if (room !== null) {
      this.#place(one, room, this.#draft.candidates.count(seeker));
    } else if (yield* this.#repair.makeRoomFor(one)) {
      return;
    } else if (one.fallback !== null) {
      const why = keptWords(one.why ?? 'its machine is away');
      this.#draft.seat(one.unit, { kind: 'kept', machine: one.fallback, why });
    } else if (!one.isNew) {
      replaceSomebody(this.#draft, one);
    }
  }

  #place(one: Homeless, room: Room, fittingCount: number): void {
    const targets = one.record.requirements.machineOf;
    const alone = fittingCount === 1 ? 'the only machine that fits' : `best of ${fittingCount}`;
    const chosen = room.adopts(one.unit) ? 'it runs there already: adopted' : alone;
    const why = one.why ?? (targets.length > 0 ? `follows ${targets.join(', ')}` : chosen);
    this.#draft.seat(one.unit, { kind: 'placed', machine: room.machine.id, why });
    this.#repair.placed(one);
    for (const target of targets) {
      if (this.#draft.seats.get(target)?.kind === 'placed') this.#draft.join(target, one.unit);
    }
  }

  /** The first that takes all who follow, or else the first of all. */
  #bestFor(one: Homeless, rooms: Iterable<Room>): Room | null {
    const crowd = this.#crowdBehind(one.unit);
    let first: Room | null = null;
    for (const room of rooms) {
      if (crowd.length === 0 || this.#crowdFits(one, crowd, room)) return room;
      first ??= room;
    }
    return first;
  }

  /** Everyone who follows, directly or not, and has no machine yet; nearest first. */
  #crowdBehind(unit: UnitName): readonly Homeless[] {
    if (!this.#followers.has(unit)) return nobody;
    const crowd = new Map<UnitName, Homeless>();
    const walk = [unit];
    for (const next of walk) {
      for (const follower of this.#followers.get(next) ?? []) {
        const homeless = this.#homeless.get(follower);
        if (homeless === undefined || crowd.has(follower) || follower === unit) continue;
        crowd.set(follower, homeless);
        walk.push(follower);
      }
    }
    return [...crowd.values()];
  }

  #crowdFits(leader: Homeless, crowd: readonly Homeless[], room: Room): boolean {
    const accepted: Peer[] = [this.#draft.peer(leader.unit)];
    return crowd.every((member) => {
      const applicant = this.#draft.seeker(member.unit, member.record);
      const together: Applicant = {
        ...applicant,
        placeOf: (target) =>
          this.#homeless.has(target) && !this.#settled.has(target)
            ? { kind: 'on', machine: room.machine.id }
            : target === leader.unit
              ? { kind: 'on', machine: room.machine.id }
              : applicant.placeOf(target),
      };
      if (!fits(together, room, accepted)) return false;
      accepted.push(applicant.peer);
      return true;
    });
  }

  *#inOrder(): Steps<readonly Turn[]> {
    const keyed: Turn[] = [];
    for (const one of this.#homeless.values()) {
      yield;
      if (this.#settled.has(one.unit)) continue;
      const seeker = this.#draft.seeker(one.unit, one.record);
      const fitCount = this.#draft.candidates.count(seeker);
      keyed.push({ one, fitCount, rank: seeker.peer.hash });
    }
    return yield* sorted(keyed, byTurn);
  }
}

const nobody: readonly Homeless[] = [];

/** When a unit has its turn: those that fit in fewer rooms first. */
interface Turn {
  readonly one: Homeless;
  readonly fitCount: number;
  readonly rank: number;
}

function byTurn(left: Turn, right: Turn): number {
  return (
    left.fitCount - right.fitCount ||
    left.rank - right.rank ||
    byText(left.one.unit, right.one.unit)
  );
}

function* followersOf(
  homeless: Iterable<Homeless>,
): Steps<ReadonlyMap<UnitName, readonly UnitName[]>> {
  const followers = new Map<UnitName, UnitName[]>();
  for (const { unit, record } of homeless) {
    yield;
    for (const target of record.requirements.machineOf) {
      const known = followers.get(target) ?? [];
      followers.set(target, [...known, unit].sort(byText));
    }
  }
  return followers;
}
