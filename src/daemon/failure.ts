import { FleetError } from '../lib/error.ts';

/** The status a refusal ends with, which fleet.service does not start again. */
export const configurationStatus = 78;

/** Says an operating error in words; anything else is a bug and keeps its stack. */
function failureText(error: unknown): string {
  if (error instanceof FleetError) return `${error.message}\n${error.trouble.hint}`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** Says on stderr what went wrong; returns the exit status for it. */
export function sayFailure(error: unknown): number {
  process.stderr.write(`fleetd: ${failureText(error)}\n`);
  const isConfiguration = error instanceof FleetError && error.trouble.code === 'config/invalid';
  return isConfiguration ? configurationStatus : 1;
}
