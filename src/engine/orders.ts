import { byText } from '../lib/order.ts';
import { isConfirmedGone } from '../model/copy.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import type { Order, Want } from '../model/order.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import { oldCopy } from './hand-over.ts';
import { guardFor, isInTheWay, released } from './holds.ts';
import type { Reasoned, Subject } from './subject.ts';

/** What the orders of one unit lack, machine by machine. */
export function orderChanges(draft: Draft, subject: Subject): Reasoned[] {
  const machines = new Set([...draft.lookups.ordered.of(subject.unit), ...subject.seats]);
  return orderChangesOn(draft, subject, [...machines].sort(byText));
}

/** The same on these machines only. */
export function orderChangesOn(
  draft: Draft,
  subject: Subject,
  machines: readonly MachineId[],
): Reasoned[] {
  return machines.flatMap((machine) => {
    const held = draft.order(machine, subject.unit);
    if (held === undefined && !subject.seats.has(machine)) return [];
    const change = orderChange(draft, subject, machine, held);
    return change === null ? [] : [change];
  });
}

function orderChange(
  draft: Draft,
  subject: Subject,
  machine: MachineId,
  held: Order | undefined,
): Reasoned | null {
  const { unit, record, seats } = subject;
  if (held === undefined) return mayStart(draft, subject, machine) ? seatOrder() : null;
  const isSame = held.identity === record.identity;
  if (isConfirmedGone(held, draft.report(machine, unit))) {
    if (seats.has(machine) && mayStart(draft, subject, machine)) return seatOrder();
    const reason = `${shortId(machine)} confirmed: ${held.reason}`;
    return { change: { kind: 'withdraw', machine, unit }, reason };
  }
  if (seats.has(machine) && isSame && held.want !== 'gone') return seatOrder();
  const free = released(draft, machine, held);
  if (free !== null) return changed(unit, machine, held, free);
  const { want, reason } = oldCopy(draft, subject, machine, held);
  return changed(unit, machine, held, { ...held, want, after: [], reason });

  function seatOrder(): Reasoned | null {
    const order = orderFor(draft, subject, machine, isSameIdentity() ? held : undefined);
    return changed(unit, machine, held, order);
  }
  function isSameIdentity(): boolean {
    return held?.identity === record.identity;
  }
}

/**
 * A first order of an identity waits until every present machine has confirmed what it was told to
 * take down, until no machine that is away can run one that must run only once, and until this
 * machine has taken its own word back that the unit is gone.
 */
function mayStart(draft: Draft, { unit, record }: Subject, machine: MachineId): boolean {
  const report = draft.report(machine, unit);
  if (report?.current === 'gone' && report.identity === record.identity) return false;
  if (record.requirements.global) return true;
  return !isInTheWay(draft, unit, record, machine);
}

function orderFor(
  draft: Draft,
  { unit, record, reason, isFinished }: Subject,
  machine: MachineId,
  held: Order | undefined,
): Order {
  const guard = guardFor(draft, record, machine, held);
  return {
    identity: record.identity,
    unitHash: record.unitHash,
    contentHash: record.contentHash,
    want: seatWant(record, held),
    restartCount: record.restartCount,
    ...(isFinished ? { finished: true as const } : {}),
    ...(guard === undefined ? {} : { guard }),
    after: waitsFor(draft, unit, machine),
    reason,
  };
}

/** Once launched, a unit that is only to be loaded is stopped; otherwise its file is enough. */
function seatWant(record: UnitRecord, held: Order | undefined): Want {
  if (record.desired === 'launched') return 'launch';
  return held === undefined || held.want === 'load' ? 'load' : 'stop';
}

/** Units whose copies are leaving this machine, or are orphans, and must be gone before it starts. */
function waitsFor(draft: Draft, unit: UnitName, machine: MachineId): readonly UnitName[] {
  const room = draft.rooms.get(machine);
  if (room === undefined || room.isAllSeated) return none;
  const others = room.conflictsOf(draft.peer(unit), draft.matches).filter(({ name }) => {
    if (room.seated.has(name)) return false;
    const order = room.copies.get(name);
    if (order === undefined) return true; // an orphan that no unit takes over
    return order.want === 'gone' || order.want === 'retire' || !draft.isFrozen(name);
  });
  return others.map(({ name }) => name).sort(byText);
}

function changed(
  unit: UnitName,
  machine: MachineId,
  held: Order | undefined,
  order: Order,
): Reasoned | null {
  if (held !== undefined && isSameOrder(held, order)) return null;
  return { change: { kind: 'order', machine, unit, order }, reason: order.reason };
}

/** Compares what an order says; its reason is only told. */
function isSameOrder(one: Order, other: Order): boolean {
  return (
    one.identity === other.identity &&
    one.unitHash === other.unitHash &&
    one.contentHash === other.contentHash &&
    one.want === other.want &&
    one.restartCount === other.restartCount &&
    one.finished === other.finished &&
    one.guard?.deadlineMs === other.guard?.deadlineMs &&
    one.guard?.stopTimeoutMs === other.guard?.stopTimeoutMs &&
    one.after.length === other.after.length &&
    one.after.every((unit, index) => unit === other.after[index])
  );
}

const none: readonly UnitName[] = [];
