import type { MachineId } from './ids.ts';
import type { Notice } from './notice.ts';

/**
 * `engine/brake`: most machines vanished at once, so the leader moves nothing of theirs for a while,
 * and then only one machine's units each TTL. Written by the leader. It outlives its purpose by two
 * TTL, so that the same machines do not count for the next one.
 */
export interface Brake {
  /** Wall time at which it was put on, ms since 1970; with `resume`, its name. */
  readonly sinceMs: number;
  /** Wall time, ms since 1970: nothing of `waiting` moves before. */
  readonly untilMs: number;
  /** The first pause is over: they are let go one by one. */
  readonly isEasing: boolean;
  /** How many machines were gone or overdue when it was put on, and of how many. */
  readonly goneCount: number;
  readonly ofCount: number;
  /** Vanished machines that keep their units for now; sorted. None: the brake is off. */
  readonly waiting: readonly MachineId[];
  /** Vanished machines whose units may move; they count for no other brake. Sorted. */
  readonly released: readonly MachineId[];
}

/** A brake that is on. */
export type BrakeOn = Brake & { readonly waiting: readonly [MachineId, ...MachineId[]] };

/** True while units wait for it. */
export function isBraking(brake: Brake | null): brake is BrakeOn {
  return brake !== null && brake.waiting.length > 0;
}

/** Why a unit stays on a vanished machine, as its placement's objection says it. */
export const brakeObjection = 'the brake is on';

/** What a person is told of a brake; nothing while it is off. */
export function brakeNotices(brake: Brake | null): readonly Notice[] {
  if (!isBraking(brake)) return [];
  const { goneCount, ofCount, waiting, untilMs, isEasing } = brake;
  const what = `${goneCount} of ${ofCount} machines vanished at once`;
  const at = `${new Date(untilMs).toISOString().slice(0, 19)}Z`;
  const next = isEasing
    ? `units of one machine after the other are moved, ${waiting.length} left, the next at ${at}`
    : `units of ${waiting.length} are not moved before ${at}`;
  return [
    {
      kind: 'brake',
      text: `${what}: ${next}`,
      hint: 'fleetctl resume moves them now; a machine that comes back goes on with its units',
    },
  ];
}
