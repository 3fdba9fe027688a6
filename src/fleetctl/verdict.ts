import type { ObjectionBody, UnitBody, UnitStateWord } from '../api/schema.ts';
import { type MachineNames, shortMachine } from './machine-names.ts';
import { canRestart } from './original-unit.ts';

/** How far a unit is to get; `active` is what `start --wait` waits for. */
export type Goal = 'launched' | 'active' | 'loaded' | 'stopped' | 'inactive';

/** The desired state that brings a unit to a goal. */
export const desiredFor = {
  launched: 'launched',
  active: 'launched',
  loaded: 'loaded',
  stopped: 'loaded',
  inactive: 'inactive',
} as const satisfies Readonly<Record<Goal, UnitStateWord>>;

/**
 * What one look at a unit says.
 *
 * - `reached`: done, in the words for the user; `mustLast`: once it has been so for `steadyMs`.
 * - `failed`: it will not get there by waiting. Told once that has lasted; the first line names it.
 * - `underway`: not yet, and what is known of it.
 */
export type Verdict =
  | { readonly kind: 'reached'; readonly text: string; readonly mustLast?: true }
  | { readonly kind: 'failed'; readonly lines: readonly string[] }
  | { readonly kind: 'underway'; readonly text: string };

/** Judges one unit; `unit: null` when the cluster does not know it any more. */
export function judge(
  name: string,
  unit: UnitBody | null,
  goal: Goal,
  machines: MachineNames,
): Verdict {
  if (unit === null) {
    if (goal === 'inactive') return reached(`Unit ${name} inactive`);
    return failed([`${name} was destroyed meanwhile`]);
  }
  if (unit.desiredState !== desiredFor[goal]) {
    return failed([`${name}: somebody else asked for it to be ${unit.desiredState} meanwhile`]);
  }
  if (goal === 'inactive') return judgeUnloading(unit, machines);
  return unit.machineID === undefined
    ? judgeUnplaced(unit, goal)
    : judgePlaced(unit, unit.machineID, goal, machines);
}

function judgeUnloading(unit: UnitBody, machines: MachineNames): Verdict {
  if (unit.currentState === 'inactive') return reached(`Unit ${unit.name} inactive`);
  const places = unit.machines.map((row) => `${machines.full(row.machineID)} (${row.active})`);
  return underway(`it is still on ${places.join(', ')}`);
}

function judgeUnplaced(unit: UnitBody, goal: Goal): Verdict {
  const { name, placement } = unit;
  if (placement === null && !canRestart(unit)) {
    if (goal === 'stopped') return reached(`Unit ${name} inactive`);
    return underway('it is on no machine; why, a fleetd of fleet 1.0 does not say');
  }
  if (placement === null) {
    return underway('no machine was chosen yet; does the cluster have a leader?');
  }
  if (goal === 'stopped') return reached(`Unit ${name} inactive`); // on no machine, so it is
  const { objections, reason } = placement;
  const why = objections.length === 0 ? [`${name}: ${reason}`] : unfitLines(name, objections);
  return failed([
    ...why,
    `it stays wanted until a machine fits; to give up: fleetctl unload ${name}`,
  ]);
}

/** Why a unit fits on no machine: one line, and one for each reason. */
export function unfitLines(name: string, objections: readonly ObjectionBody[]): readonly string[] {
  const count = objections.reduce((sum, objection) => sum + objection.count, 0);
  const groups = objections.map((objection) => {
    const shown = objection.machines.map(shortMachine).join(', ');
    const dots = objection.machines.length < objection.count ? ', …' : '';
    return `  ${machineCount(objection.count)}: ${objection.why} (${shown}${dots})`;
  });
  const fits =
    count === 1 ? 'does not fit on the only machine' : `fits on none of ${count} machines`;
  return [`${name} ${fits}`, ...groups];
}

function machineCount(count: number): string {
  return count === 1 ? '1 machine' : `${count} machines`;
}

function judgePlaced(unit: UnitBody, machine: string, goal: Goal, machines: MachineNames): Verdict {
  const where = machines.full(machine);
  const row = unit.machines.find(({ machineID }) => machineID === machine);
  const { heldUntilMs, reason } = unit.placement ?? {};
  if (row === undefined && heldUntilMs !== undefined) return underway(reason ?? 'it waits');
  if (row === undefined) return underway(`it is placed on ${where}, which has not taken it up yet`);
  const state = `${row.active}/${row.sub}`;
  if (row.currentState === 'refused') {
    return underway(`${where} refuses it: ${row.problem ?? 'without a reason'}`);
  }
  const isThere = unit.currentState === desiredFor[goal];
  if (goal === 'active' && isThere) return judgeActive(unit.name, row, where);
  if (isThere) return reached(`Unit ${unit.name} ${unit.currentState} on ${where}`);
  if (row.problem !== null) {
    const verb = goal === 'stopped' ? 'stop' : goal === 'loaded' ? 'load' : 'start';
    return failed([
      `${unit.name} did not ${verb} on ${where}: ${row.problem}`,
      lookHint(unit.name),
    ]);
  }
  const doing = desiredFor[goal] === 'loaded' ? 'it is not stopped yet' : 'it is not started yet';
  return underway(`${doing} on ${where} (${state})`);
}

/** Launched; is it up? A unit that has ended well was up. */
function judgeActive(name: string, row: UnitBody['machines'][number], where: string): Verdict {
  const { active, sub, problem } = row;
  if (active === 'failed') {
    return failed([`${name} failed on ${where}${problem ? `: ${problem}` : ''}`, lookHint(name)]);
  }
  if (active === 'active') {
    const words = `Unit ${name} active on ${where}`;
    // A process that has just begun may end at once; what else is active has got there.
    return sub === 'running' ? { kind: 'reached', text: words, mustLast: true } : reached(words);
  }
  if (active === 'inactive') return reached(`Unit ${name} finished on ${where}`);
  return underway(`it is ${active} (${sub}) on ${where}`);
}

function lookHint(name: string): string {
  return `on that machine, systemctl status ${name} says more`;
}

function reached(text: string): Verdict {
  return { kind: 'reached', text };
}

function failed(lines: readonly string[]): Verdict {
  return { kind: 'failed', lines };
}

function underway(text: string): Verdict {
  return { kind: 'underway', text };
}
