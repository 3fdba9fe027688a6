import { type CopyGuard, deadlineFor, holdMs } from '../model/hold.ts';
import type { MachineId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';

/** The stored end of a hold is only told: it is not written anew for less than this. */
const sameEndMsMax = 1_000;

/**
 * When a copy with `OnPartition=stop` on a machine that is away is stopped for certain, wall time
 * in ms; null when it is by now, when the machine is present, and for copies of other units.
 */
export function holdEndMs(
  draft: Draft,
  machine: MachineId,
  order: Order | undefined,
): number | null {
  if (order?.guard === undefined || draft.rooms.has(machine)) return null;
  const endMs = draft.nowMs + holdMs(order.guard) - draft.time.absentForMs(machine);
  if (endMs <= draft.nowMs) return null;
  draft.wakeAt(endMs);
  return endMs;
}

/** Until when the unit starts on no other machine; null when nothing is held. For people. */
export function heldUntilMs(draft: Draft, unit: UnitName): number | null {
  let lastMs: number | null = null;
  for (const [machine, order] of draft.ordersOf(unit)) {
    if (draft.awaited.has(machine)) continue;
    const endMs = holdEndMs(draft, machine, order);
    if (endMs !== null) lastMs = Math.max(lastMs ?? endMs, endMs);
  }
  if (lastMs === null) return null;
  const stored = draft.picture.placements.get(unit)?.heldUntilMs;
  const isSame = stored !== undefined && Math.abs(stored - lastMs) <= sameEndMsMax;
  return isSame ? stored : Math.ceil(lastMs);
}

/**
 * Whether a copy of a unit on another machine keeps it from starting here. One that stops when it is
 * cut off, and every copy of a unit that must not run twice, has to be gone for certain; another one
 * only when it is on its way out, or of another identity.
 */
export function isInTheWay(
  draft: Draft,
  unit: UnitName,
  record: UnitRecord,
  machine: MachineId,
): boolean {
  const isOnlyOne = record.requirements.onPartition !== undefined;
  return draft.ordersOf(unit).some(([other, order]) => {
    const room = draft.rooms.get(other);
    // A guarded order of an absent machine is there until its hold has passed; see `released`.
    if (room === undefined) return other !== machine && order.guard !== undefined;
    if (!room.copies.has(unit)) return false;
    if (order.want === 'gone' || order.identity !== record.identity) return true;
    return other !== machine && (isOnlyOne || order.guard !== undefined);
  });
}

/**
 * The order `gone` of a machine that is away, once its hold has passed: nothing runs there, and
 * nothing will, since it reads this order before it starts anything. Only an order that was `gone`
 * before counts, or the machine could have returned to another one unseen.
 */
export function released(draft: Draft, machine: MachineId, order: Order): Order | null {
  if (order.want !== 'gone' || order.guard === undefined || draft.rooms.has(machine)) return null;
  if (holdEndMs(draft, machine, order) !== null) return null;
  const { guard: _passed, ...rest } = order;
  return rest;
}

/** How the seat's machine stops the unit when it is cut off; a deadline once given is not cut. */
export function guardFor(
  draft: Draft,
  record: UnitRecord,
  machine: MachineId,
  held: Order | undefined,
): CopyGuard | undefined {
  const stop = record.requirements.onPartition;
  if (stop === undefined) return undefined;
  const ttlMs = draft.rooms.get(machine)?.machine.ttlMs;
  const deadlineMs = Math.max(
    held?.guard?.deadlineMs ?? 0,
    ttlMs === undefined ? 0 : deadlineFor(ttlMs),
  );
  // A machine that is away, or too old to say its TTL: no deadline is known that it could keep.
  if (deadlineMs === 0) return undefined;
  return { deadlineMs, stopTimeoutMs: stop.stopTimeoutMs };
}
