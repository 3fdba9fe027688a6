import { FleetError } from '../lib/error.ts';

/** A step of the lab failed. */
export function labFailed(message: string, hint: string, cause?: unknown): FleetError {
  return new FleetError(message, { code: 'lab/failed', retry: 'never', hint, cause });
}

/** This computer lacks what the lab needs. */
export function labUnsuitable(message: string, hint: string): FleetError {
  return new FleetError(message, { code: 'lab/unsuitable', retry: 'never', hint });
}

/** What is said when somebody pressed Ctrl-C, and what he can do. */
export const interruptedWord = 'interrupted';
export const interruptedHint = "'fleetlab down' removes what was made so far";
