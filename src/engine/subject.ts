import type { Change } from '../model/change.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** A write, and why. */
export interface Reasoned {
  readonly change: Change;
  readonly reason: string;
}

/** A unit, as its orders are asked about. */
export interface Subject {
  readonly unit: UnitName;
  readonly record: UnitRecord;
  /** Machines it belongs on after this plan. */
  readonly seats: ReadonlySet<MachineId>;
  /** Why it belongs there, or nowhere. */
  readonly reason: string;
  /** The run that it asks for has ended well. */
  readonly isFinished: boolean;
}
