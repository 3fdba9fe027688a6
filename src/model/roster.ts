import type { Brake } from './brake.ts';
import type { Page, PageRequest } from './catalog.ts';
import type { MachineId } from './ids.ts';
import type { Machine, Member } from './machine.ts';

/** A machine that was ever seen, as it is known now. */
export interface MemberView {
  readonly id: MachineId;
  /** null: it is away. */
  readonly machine: Machine | null;
  /** null: its record is not understood. */
  readonly member: Member | null;
}

/**
 * What became of the wish that a machine is forgotten: `asked` (the leader does it), `present` (it
 * is there, nothing was asked), `unnoted` (it is not there, but no leader has seen it vanish: it may
 * be back in a moment; nothing was asked), `unknown` (there is no such member).
 */
export type ForgetOutcome = 'asked' | 'present' | 'unnoted' | 'unknown';

/** The API's door to machines that are away, and to the brake. Throws FleetError. */
export interface Roster {
  /** Every machine ever seen and not forgotten, by id. */
  readMembers(page: PageRequest, signal: AbortSignal): Promise<Page<MemberView>>;
  readBrake(signal: AbortSignal): Promise<Brake | null>;
  /** Asks the leader to end the brake that is on; `off` when none is. */
  endBrake(signal: AbortSignal): Promise<'asked' | 'off'>;
  /**
   * Asks the leader to forget a member, and deletes the metadata that was set for it at run time.
   * Does nothing while the machine is there.
   */
  forget(machine: MachineId, signal: AbortSignal): Promise<ForgetOutcome>;
}
