import type { UnitName } from '../unitfile/unit-name.ts';
import type { BootId, MachineId, UnitIdentity } from './ids.ts';
import type { Order } from './order.ts';
import type { OrphanMark, StateReport } from './report.ts';
import type { UnitRecord } from './unit.ts';

/** The identity of an orphan whose record was lost. */
export const unknownIdentity = 'unknown' as UnitIdentity;

/**
 * `removals/<machine>/<name>`: an operator wants this copy of an orphan taken down. The leader makes
 * it an order, and forgets it once the machine has confirmed or has no such copy any more.
 */
export interface Removal {
  /** Only this copy: one that was submitted again meanwhile is no orphan. */
  readonly identity: UnitIdentity;
  /** Of its machine: another boot has nothing of the copy any more. */
  readonly bootId: BootId;
}

/** Its mark when a report is about an orphan; an order that came meanwhile makes it none. */
export function orphanMark(
  report: StateReport | undefined,
  order: Order | undefined,
): OrphanMark | null {
  return order === undefined ? (report?.orphan ?? null) : null;
}

/** True when starting the unit on the orphan's machine takes the running copy over as it is. */
export function isAdoptable(record: UnitRecord, report: StateReport): boolean {
  return record.unitHash === report.unitHash;
}

/** True when something of the copy may be running. */
export function mayRun(report: StateReport): boolean {
  return report.active !== 'inactive' && report.active !== 'failed';
}

/** Removals by machine and unit. */
export type Removals = ReadonlyMap<MachineId, ReadonlyMap<UnitName, Removal>>;
