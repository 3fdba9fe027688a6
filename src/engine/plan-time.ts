import type { MachineId } from '../model/ids.ts';

/** For how long a machine is known to be absent without a break, ms; 0 when it is present. */
export type AbsentForMs = (machine: MachineId) => number;

/** What a plan knows of time. */
export interface PlanTime {
  /** Wall time, ms since 1970. */
  readonly nowMs: number;
  /** Before this, a machine that is absent may only not have come back yet. */
  readonly absenceCountsAtMs: number;
  readonly absentForMs: AbsentForMs;
}

/** Of a plan that is not begun. */
export const unknownTime: PlanTime = { nowMs: 0, absenceCountsAtMs: 0, absentForMs: () => 0 };
