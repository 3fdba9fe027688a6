import type { Expectation, Running } from './verdict.ts';

/** The units of a drill: those of units/examples/, in as many instances as the drill wants. */
export interface Cast {
  readonly webs: readonly string[];
  readonly sidekick: string;
  readonly host: string;
  readonly singles: readonly string[];
  readonly globals: readonly string[];
}

/** Web servers never share a machine, so there are no more of them than machines, and at most three. */
export function castFor(machineCount: number, workerCount: number): Cast {
  const webs = numbers(Math.min(3, machineCount)).map((number) => `web@${number}.service`);
  return {
    webs,
    sidekick: 'announce@1.service',
    host: 'web@1.service',
    singles: ['ledger.service', ...numbers(workerCount).map((n) => `worker@${n}.service`)],
    globals: ['node-watch.service'],
  };
}

/** Every unit of the cast, in the order in which a person would start them. */
export function unitsOf(cast: Cast): readonly string[] {
  return [...cast.webs, cast.sidekick, ...cast.singles, ...cast.globals];
}

/**
 * What must be true once the cluster has settled on `machines`, of which `before` ran what it ran:
 * a web server waits when every machine left has one already, and its sidekick waits with it.
 */
export function expectationOn(
  machines: readonly string[],
  before: readonly Running[],
  cast: Cast,
): Expectation {
  const isWeb = (unit: string): boolean => cast.webs.includes(unit);
  const kept = before.filter(({ unit, machine }) => isWeb(unit) && machines.includes(machine));
  const homeless = cast.webs.filter((web) => !kept.some(({ unit }) => unit === web));
  const waitingWebs = homeless.slice(machines.length - kept.length);
  const waiting = [...waitingWebs, ...(waitingWebs.includes(cast.host) ? [cast.sidekick] : [])];
  const isUp = (unit: string): boolean => !waiting.includes(unit);
  return {
    single: [...cast.webs, cast.sidekick, ...cast.singles].filter(isUp),
    global: cast.globals,
    waiting,
    apart: [cast.webs],
    together: isUp(cast.host) ? [[cast.host, cast.sidekick]] : [],
  };
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_none, index) => index + 1);
}
