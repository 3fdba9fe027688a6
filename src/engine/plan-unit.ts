import { byText } from '../lib/order.ts';
import type { Change } from '../model/change.ts';
import { isKnownFinished } from '../model/copy.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import { orderChanges, orderChangesOn } from './orders.ts';
import { placementFor } from './placements.ts';
import type { Reasoned } from './subject.ts';

/** A unit with its record, neither missing nor unreadable. */
export interface KnownUnit {
  readonly unit: UnitName;
  readonly record: UnitRecord;
  /** The circle of MachineOf= it is on, in words. */
  readonly circle: string | null;
}

/** Everything the store lacks about one unit, once it is decided who belongs where. */
export function unitChanges(draft: Draft, known: KnownUnit): Reasoned[] {
  const { record } = known;
  if (record.gone || record.desired === 'inactive') return takenDown(draft, known);
  return record.requirements.global ? globalUnit(draft, known) : placedUnit(draft, known);
}

function placedUnit(draft: Draft, { unit, record, circle }: KnownUnit): Reasoned[] {
  const placement = placementFor(draft, unit, record, circle);
  const { machine, reason } = placement;
  const seats = new Set<MachineId>(machine === null ? [] : [machine]);
  const isFinished = isKnownFinished(record, placement);
  const orders = orderChanges(draft, { unit, record, seats, reason, isFinished });
  if (placement === draft.picture.placements.get(unit)) return orders;
  return [{ change: { kind: 'place', unit, placement }, reason }, ...orders];
}

function globalUnit(draft: Draft, { unit, record }: KnownUnit): Reasoned[] {
  const machines = new Set([...draft.lookups.ordered.of(unit), ...draft.rooms.keys()]);
  const orders = globalChangesOn(draft, { unit, record }, [...machines].sort(byText));
  return [...unplaced(draft, unit, 'is global now'), ...orders];
}

/** What the orders of a global unit lack on these machines. */
export function globalChangesOn(
  draft: Draft,
  { unit, record }: Pick<KnownUnit, 'unit' | 'record'>,
  machines: readonly MachineId[],
): Reasoned[] {
  const seats = new Set(machines.filter((id) => draft.rooms.get(id)?.seated.has(unit) === true));
  const subject = { unit, record, seats, reason: 'global', isFinished: false };
  return orderChangesOn(draft, subject, machines);
}

/** Unloaded or destroyed: ordered gone everywhere, then forgotten as far as it is confirmed. */
function takenDown(draft: Draft, { unit, record }: KnownUnit): Reasoned[] {
  const reason = record.gone ? 'destroyed' : 'unloaded';
  const subject = { unit, record, seats: new Set<MachineId>(), reason, isFinished: false };
  const orders = orderChanges(draft, subject);
  const held = draft.ordersOf(unit);
  const mayStillRun = held.some(([machine]) => draft.rooms.get(machine)?.copies.has(unit));
  const changes = mayStillRun ? orders : [...orders, ...unplaced(draft, unit, reason)];
  const withdrawnCount = orders.filter(({ change }) => change.kind === 'withdraw').length;
  if (!record.gone || held.length > withdrawnCount) return changes;
  const forget: Change = { kind: 'forget-unit', unit, identity: record.identity };
  return [...changes, { change: forget, reason }];
}

function unplaced(draft: Draft, unit: UnitName, reason: string): Reasoned[] {
  if (!draft.picture.placements.has(unit)) return [];
  return [{ change: { kind: 'unplace', unit }, reason }];
}
