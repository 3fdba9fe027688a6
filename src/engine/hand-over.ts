import { isUp } from '../model/copy.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import type { Order, Want } from '../model/order.ts';
import type { Draft } from './draft.ts';
import { globalObjection } from './globals.ts';
import { limits } from './limits.ts';
import type { Subject } from './subject.ts';

/** What becomes of a copy on a machine the unit does not belong on (any more). */
export function oldCopy(
  draft: Draft,
  subject: Subject,
  machine: MachineId,
  held: Order,
): { readonly want: Want; readonly reason: string } {
  const { unit, record } = subject;
  if (held.want === 'gone') return { want: 'gone', reason: held.reason };
  if (record.gone) return { want: 'gone', reason: 'destroyed' };
  if (held.identity !== record.identity) return { want: 'gone', reason: 'submitted again' };
  if (record.desired === 'inactive') return { want: 'gone', reason: 'unloaded' };
  if (record.requirements.global) return globalCopy(draft, subject, machine, held);
  const seat = draft.seats.get(unit);
  if (seat === undefined) return { want: 'gone', reason: subject.reason };
  const room = draft.rooms.get(machine);
  const isOnlyOne = held.guard !== undefined || record.requirements.onPartition !== undefined;
  if (isOnlyOne)
    return { want: 'gone', reason: `${seat.why}; OnPartition=stop: here it ends first` };
  if (room === undefined) return { want: 'retire', reason: seat.why };
  if (draft.report(machine, unit)?.current === 'refused') {
    return { want: 'gone', reason: `refused by ${shortId(machine)}` };
  }
  if (isUp(record, draft.report(seat.machine, unit))) {
    return { want: 'gone', reason: `its copy on ${shortId(seat.machine)} is up` };
  }
  return retired(draft, subject, seat.machine, held);
}

/** An old copy waits for the new one, though not for ever: others may wait for its machine. */
function retired(
  draft: Draft,
  { unit }: Subject,
  target: MachineId,
  held: Order,
): { readonly want: Want; readonly reason: string } {
  const stored = draft.picture.placements.get(unit);
  const sinceMs = stored?.machine === target ? stored.sinceMs : draft.nowMs;
  const endMs = sinceMs + limits.handOverMaxMs;
  if (draft.nowMs >= endMs) {
    const reason = `its copy on ${shortId(target)} did not come up in time`;
    return { want: 'gone', reason };
  }
  draft.wakeAt(endMs);
  const reason = held.want === 'retire' ? held.reason : `moves to ${shortId(target)}`;
  return { want: 'retire', reason };
}

/** A machine that is away keeps its global units, and learns of a change when it returns. */
function globalCopy(
  draft: Draft,
  { unit, record }: Subject,
  machine: MachineId,
  held: Order,
): { readonly want: Want; readonly reason: string } {
  const room = draft.rooms.get(machine);
  if (room === undefined) {
    const isStopped = record.desired === 'loaded' && held.want === 'launch';
    return isStopped
      ? { want: 'stop', reason: 'only to be loaded' }
      : { want: held.want, reason: held.reason };
  }
  return { want: 'gone', reason: globalObjection(draft, unit, record, room) };
}
