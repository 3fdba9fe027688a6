import { byText } from '../lib/order.ts';
import type { Change, Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import { isConfirmedGone } from '../model/copy.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import { isAdoptable, mayRun, orphanMark, type Removal } from '../model/orphan.ts';
import type { StateReport } from '../model/report.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Row } from './picture-delta.ts';

/** Units that a machine has without an order, as it reports them. */
export function orphansOn(
  picture: ClusterPicture,
  machine: MachineId,
): ReadonlyMap<UnitName, StateReport> {
  const orders = picture.orders.get(machine);
  const reports = [...(picture.reports.get(machine) ?? [])];
  const marked = reports.filter(([, { orphan }]) => orphan !== undefined);
  return new Map(marked.filter(([unit, report]) => orphanMark(report, orders?.get(unit)) !== null));
}

const inTheWay = 'an orphan of its name runs there from another text';

/**
 * Why the unit may not be started beside an orphan of its name; null when it takes it over.
 * `reporting` are the machines that report it.
 */
export function whyBarred(
  picture: ClusterPicture,
  machine: MachineId,
  unit: UnitName,
  reporting: Iterable<MachineId>,
): string | null {
  const record = picture.units.get(unit);
  const isOnlyOne = record?.requirements.onPartition !== undefined;
  const others = isOnlyOne ? [...reporting].sort(byText) : [];
  const elsewhere = isOnlyOne
    ? onlyCopyElsewhere(picture, { machine, unit }, record, others)
    : null;
  if (elsewhere !== null) return `a copy that nobody ordered runs on ${shortId(elsewhere)}`;
  const report = picture.reports.get(machine)?.get(unit);
  const order = picture.orders.get(machine)?.get(unit);
  if (report === undefined) return null;
  const isBeside = order?.identity === record?.identity && isStranger(record, report);
  if (isBeside) return inTheWay; // it was there already when the order came
  if (orphanMark(report, order) === null) return null;
  if (picture.removals.get(machine)?.get(unit)?.identity === report.identity) {
    return 'an orphan of its name is being removed there';
  }
  return isStranger(record, report) ? inTheWay : null;
}

/**
 * Invariant 6: where another copy of a unit runs that must not run twice; null when none does. Where
 * it runs as it was ordered it stays all the same: a service is not stopped for what nobody ordered.
 */
function onlyCopyElsewhere(
  picture: ClusterPicture,
  { machine, unit }: Row,
  record: UnitRecord,
  others: readonly MachineId[],
): MachineId | null {
  const here = picture.reports.get(machine)?.get(unit);
  const ordered = picture.orders.get(machine)?.get(unit);
  const isOrdered = ordered?.identity === record.identity && ordered.want !== 'gone';
  if (isOrdered && here?.identity === record.identity && mayRun(here)) return null;
  for (const other of others) {
    const report = picture.reports.get(other)?.get(unit);
    if (other === machine || report === undefined || !mayRun(report)) continue;
    const isOrphan = orphanMark(report, picture.orders.get(other)?.get(unit)) !== null;
    if (isOrphan || report.identity !== record.identity || report.current === 'gone') return other;
  }
  return null;
}

/** A copy that runs, and that the unit cannot take over. */
function isStranger(record: UnitRecord | undefined, report: StateReport): boolean {
  if (record === undefined || report.identity === record.identity) return false;
  return mayRun(report) && !isAdoptable(record, report);
}

/**
 * Makes orders of what operators want removed, and forgets their wishes when that is done. Orders
 * of units without a record, which only `strayMachines` have, are taken back once they are
 * confirmed: nobody else does.
 */
export function orphanDecisions(
  picture: ClusterPicture,
  strayMachines: Iterable<MachineId>,
): Decision[] {
  const decisions: Decision[] = [];
  for (const [machine, removals] of sorted(picture.removals)) {
    for (const [unit, removal] of sorted(removals)) {
      if (picture.unreadable.has(unit)) continue;
      const changes = removalChanges(picture, machine, unit, removal);
      if (changes.length === 0) continue;
      const reason = reasonOf(changes, machine);
      decisions.push({ subject: unit, reason, changes });
    }
  }
  return [...decisions, ...leftOrders(picture, strayMachines)];
}

function removalChanges(
  picture: ClusterPicture,
  machine: MachineId,
  unit: UnitName,
  removal: Removal,
): readonly Change[] {
  const held = picture.orders.get(machine)?.get(unit);
  const report = picture.reports.get(machine)?.get(unit);
  const forget: Change = { kind: 'forget-removal', machine, unit };
  if (held === undefined) {
    if (report === undefined) {
      // A machine that is away, or has just come back, has not said anything yet.
      const bootId = picture.machines.get(machine)?.bootId;
      return bootId === undefined || bootId === removal.bootId ? [] : [forget];
    }
    const mark = orphanMark(report, held);
    if (mark === null || report.identity !== removal.identity) return [forget];
    const { identity, unitHash } = report;
    const { contentHash } = mark;
    return [order(machine, unit, goneOrder({ identity, unitHash, contentHash, restartCount: 0 }))];
  }
  const isUnknown = !picture.units.has(unit);
  if (held.identity !== removal.identity) return [forget];
  if (held.want !== 'gone') {
    // Its record is lost, or it was adopted before anybody removed it.
    return isUnknown ? [order(machine, unit, goneOrder(held))] : [forget];
  }
  if (!isConfirmedGone(held, report)) return [];
  return isUnknown ? [forget, { kind: 'withdraw', machine, unit }] : [forget];
}

function leftOrders(
  picture: ClusterPicture,
  strayMachines: Iterable<MachineId>,
): readonly Decision[] {
  const decisions: Decision[] = [];
  for (const machine of [...strayMachines].sort(byText)) {
    for (const [unit, held] of sorted(picture.orders.get(machine) ?? new Map<UnitName, Order>())) {
      if (picture.units.has(unit) || picture.unreadable.has(unit)) continue;
      if (picture.removals.get(machine)?.has(unit)) continue;
      if (!isConfirmedGone(held, picture.reports.get(machine)?.get(unit))) continue;
      const changes: readonly Change[] = [{ kind: 'withdraw', machine, unit }];
      decisions.push({ subject: unit, reason: reasonOf(changes, machine), changes });
    }
  }
  return decisions;
}

/** It keeps its guard: until it is confirmed the copy may run, and its machine may be cut off. */
function goneOrder(
  of: Pick<Order, 'identity' | 'unitHash' | 'contentHash' | 'restartCount' | 'guard'>,
): Order {
  const { identity, unitHash, contentHash, restartCount, guard } = of;
  const reason = 'an operator removes the orphan';
  const kept = guard === undefined ? {} : { guard };
  return {
    identity,
    unitHash,
    contentHash,
    restartCount,
    want: 'gone',
    ...kept,
    after: [],
    reason,
  };
}

function order(machine: MachineId, unit: UnitName, what: Order): Change {
  return { kind: 'order', machine, unit, order: what };
}

function reasonOf(changes: readonly Change[], machine: MachineId): string {
  if (changes.some(({ kind }) => kind === 'order')) return 'an operator removes the orphan';
  if (changes.some(({ kind }) => kind === 'withdraw')) return `${shortId(machine)} removed it`;
  return `it is no orphan on ${shortId(machine)}`;
}

function sorted<Key extends string, Value>(
  map: ReadonlyMap<Key, Value>,
): readonly (readonly [Key, Value])[] {
  return [...map].sort(([left], [right]) => byText(left, right));
}
