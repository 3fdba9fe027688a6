import { byText } from '../lib/order.ts';
import { type Brake, isBraking } from '../model/brake.ts';
import type { Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId } from '../model/ids.ts';
import type { Member } from '../model/machine.ts';
import { limits } from './limits.ts';

/** How the leader brakes. */
export interface BrakeRules {
  /** `agent_ttl`. */
  readonly ttlMs: number;
  /** How long nothing moves; 0: there is no brake. */
  readonly brakeMs: number;
}

/** How to brake, and what was found out for it. */
export interface Braking {
  readonly rules: BrakeRules;
  /** Present machines whose lease was not renewed in time: they are about to vanish. */
  readonly overdue: ReadonlySet<MachineId>;
}

/** There is no brake. */
export const unbraked: Braking = { rules: { ttlMs: 0, brakeMs: 0 }, overdue: new Set() };

/**
 * How many present machines would have to vanish besides, at least, for the brake to go on; null:
 * none of `machines` is seen to be gone that was not before, so nobody else is about to follow it.
 * `machines`: all that are away or leaving, and any others.
 */
export function vanishingToBrake(
  picture: ClusterPicture,
  { brakeMs }: BrakeRules,
  machines: Iterable<MachineId>,
): number | null {
  if (brakeMs === 0 || isBraking(picture.brake)) return null;
  if (picture.members.size < limits.brakeMachinesMin) return null;
  let [isVanishing, awayCount, leavingCount] = [false, 0, 0];
  for (const id of new Set(machines)) {
    const member = picture.members.get(id);
    const machine = picture.machines.get(id);
    if (machine?.leaving) leavingCount += 1;
    if (machine !== undefined || member === undefined) continue;
    awayCount += 1;
    isVanishing ||= member.vanishedMs === null && !member.leaving;
  }
  if (!isVanishing) return null;
  const presentCount = picture.machines.size - leavingCount;
  // As if `pull` counted all that are away among the gone, and none of them among the seen.
  return Math.max(Math.floor(presentCount / 2) - awayCount + 1, 1);
}

/** What is known of who is there. */
export interface Presence {
  readonly picture: ClusterPicture;
  /** Wall time, ms since 1970. */
  readonly nowMs: number;
  /** Absent machines whose absence does not count yet (see `Draft.awaited`). */
  readonly awaited: ReadonlySet<MachineId>;
  /** Present machines whose lease was not renewed in time: they are about to vanish. */
  readonly overdue: ReadonlySet<MachineId>;
  /** Members that are not present. */
  readonly away: ReadonlySet<MachineId>;
  /** Present machines that shut down. */
  readonly leaving: ReadonlySet<MachineId>;
}

/** The brake as it should be, and when time alone changes it. */
export interface BrakePlan {
  /** The stored one itself when it needs no change. */
  readonly brake: Brake | null;
  readonly wakeAtMs: number | null;
}

/**
 * Whether to brake. When more than half of at least four machines vanish within two TTL without
 * having said goodbye, the trouble is more likely with the network, or with us, than with all of
 * them: their units stay where they are for `brakeMs`, then one machine's at a time is let go.
 */
export function planBrake(presence: Presence, rules: BrakeRules): BrakePlan {
  const { picture } = presence;
  const before = picture.brake;
  const carried = before === null ? null : carryOn(presence, rules, before);
  const next = isBraking(carried) ? carried : (pull(presence, rules, carried) ?? carried);
  const brake = next !== null && before !== null && isSame(next, before) ? before : next;
  return { brake, wakeAtMs: brake === null ? null : wakeOf(presence, rules, brake) };
}

/** What is to be written about the brake; first of a plan, so that no move precedes it. */
export function brakeDecisions(before: Brake | null, after: Brake | null): Decision[] {
  if (before === after) return [];
  return [
    {
      subject: 'brake',
      reason: brakeWords(before, after),
      changes: [{ kind: 'brake', brake: after }],
    },
  ];
}

function brakeWords(before: Brake | null, after: Brake | null): string {
  if (!isBraking(after)) return isBraking(before) ? 'off' : 'forgotten';
  if (!isBraking(before) || before.sinceMs !== after.sinceMs) return 'on';
  if (after.waiting.length < before.waiting.length) return 'fewer machines wait';
  return 'other machines wait';
}

/** Puts it on, if those that vanished just now are most of all; null: they are not. */
function pull(presence: Presence, rules: BrakeRules, before: Brake | null): Brake | null {
  const { picture, nowMs, overdue, leaving } = presence;
  if (rules.brakeMs === 0) return null;
  const released = new Set(before?.released);
  const gone = absent(presence).filter(
    (member) => isFresh(member, presence, rules) && !released.has(member.id),
  );
  if (gone.length === 0) return null;
  const presentCount = picture.machines.size - leaving.size;
  const late = [...overdue].filter((id) => picture.machines.has(id) && !leaving.has(id));
  const seen = absent(presence).filter(
    ({ vanishedMs }) => vanishedMs === null || nowMs - vanishedMs < limits.brakeSeenMs,
  );
  const [goneCount, ofCount] = [gone.length + late.length, presentCount + seen.length];
  if (ofCount < limits.brakeMachinesMin || goneCount * 2 <= ofCount) return null;
  return {
    ...{ sinceMs: nowMs, untilMs: nowMs + rules.brakeMs, isEasing: false, goneCount, ofCount },
    waiting: sorted(gone.map(({ id }) => id)),
    released: before?.released ?? [],
  };
}

/** A brake that is stored: who came back, who vanished besides, and who may be let go. */
function carryOn(presence: Presence, rules: BrakeRules, before: Brake): Brake | null {
  const { picture, nowMs } = presence;
  const isAway = (id: MachineId): boolean => picture.members.has(id) && !picture.machines.has(id);
  const known = new Set([...before.waiting, ...before.released]);
  const joining = absent(presence).filter(({ id, vanishedMs }) => {
    return isBraking(before) && vanishedMs === null && !known.has(id);
  });
  const waiting = sorted([...before.waiting.filter(isAway), ...joining.map(({ id }) => id)]);
  const isFreshOne = (id: MachineId): boolean => {
    const member = picture.members.get(id);
    return member !== undefined && isFresh(member, presence, rules);
  };
  // A clock that went back must not make it longer.
  const longestMs = before.isEasing ? rules.ttlMs : Math.max(rules.brakeMs, rules.ttlMs);
  const untilMs = Math.min(before.untilMs, nowMs + longestMs);
  const isOver = rules.brakeMs === 0 || picture.resumedMs === before.sinceMs;
  const isDue = isOver || nowMs >= untilMs;
  const going = isOver ? waiting : isDue ? firstOf(picture, waiting) : [];
  const released = sorted(
    [...before.released, ...going].filter((id) => isAway(id) && isFreshOne(id)),
  );
  const left = waiting.filter((id) => !going.includes(id));
  if (left.length === 0 && released.length === 0) return null;
  const isStep = isDue && left.length > 0;
  return {
    ...before,
    untilMs: isStep ? nowMs + rules.ttlMs : untilMs,
    isEasing: before.isEasing || isStep,
    waiting: left,
    released,
  };
}

/** Whose units may move next: the first that has some, and all that have none. */
function firstOf(picture: ClusterPicture, waiting: readonly MachineId[]): readonly MachineId[] {
  const holders = new Set([...picture.placements.values()].map(({ machine }) => machine));
  const first = waiting.find((id) => holders.has(id));
  return waiting.filter((id) => id === first || !holders.has(id));
}

/** Machines that are away, did not say that they leave, and whose absence counts. */
function absent({ picture, awaited, away }: Presence): Member[] {
  return [...away].flatMap((id) => {
    const member = picture.members.get(id);
    return member === undefined || member.leaving || awaited.has(id) ? [] : [member];
  });
}

/** Vanished within two TTL, or only seen to be away now. */
function isFresh({ vanishedMs }: Member, { nowMs }: Presence, { ttlMs }: BrakeRules): boolean {
  return vanishedMs === null || nowMs - vanishedMs < 2 * ttlMs;
}

function wakeOf({ picture, nowMs }: Presence, { ttlMs }: BrakeRules, brake: Brake): number {
  if (isBraking(brake)) return brake.untilMs;
  const ends = brake.released.map((id) => {
    return (picture.members.get(id)?.vanishedMs ?? nowMs) + 2 * ttlMs;
  });
  return Math.max(Math.min(...ends), nowMs + 1);
}

function isSame(one: Brake, other: Brake): boolean {
  return JSON.stringify(inOrder(one)) === JSON.stringify(inOrder(other));
}

function inOrder(brake: Brake): readonly unknown[] {
  const { sinceMs, untilMs, isEasing, waiting, released } = brake;
  return [sinceMs, untilMs, isEasing, waiting, released];
}

function sorted(ids: readonly MachineId[]): readonly MachineId[] {
  return [...new Set(ids)].sort(byText);
}
