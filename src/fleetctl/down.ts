import type { UnitBody } from '../api/schema.ts';
import type { PlannedUnit } from './unit-plan.ts';

/**
 * Whether a unit that is launched does not run and will not by itself: it failed, was refused, has
 * finished or was stopped behind our back. A global unit counts as down only where all copies are:
 * a new start stops what runs.
 */
export function isDown({ before, text }: PlannedUnit): boolean {
  if (before === null || text !== null || before.desiredState !== 'launched') return false;
  const own = before.global
    ? before.machines
    : before.machines.filter(({ machineID }) => machineID === before.machineID);
  return own.length > 0 && own.every(isCopyDown);
}

function isCopyDown({ currentState, active, problem }: UnitBody['machines'][number]): boolean {
  if (problem !== null) return true;
  return currentState === 'launched' && (active === 'inactive' || active === 'failed');
}
