import type { Catalog, PageStart, Submission } from '../model/catalog.ts';
import { matchesGlob } from '../unitfile/glob.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Refusal } from './answer.ts';
import { apiLimits } from './limits.ts';
import { pageItemsMax } from './schema.ts';

/** A unit that takes the place of others. */
export interface Replacer {
  readonly name: UnitName;
  /** Globs of the units it replaces. */
  readonly replaces: readonly string[];
}

/**
 * What is wrong with a unit only in the company of those already stored: a circle of `MachineOf=`
 * or `Replaces=`, or a `MachineOf=` that names a global unit. null when nothing is.
 */
export async function objectionToCompany(
  catalog: Catalog,
  submission: Submission,
  signal: AbortSignal,
): Promise<Refusal | null> {
  const { machineOf, replaces } = submission.requirements;
  if (machineOf.length > 0) {
    const objection = await followMachineOf(catalog, submission, signal);
    if (objection !== null) return objection;
  }
  if (replaces.length === 0) return null;
  const others = await readReplacers(catalog, signal);
  const circle = replacesCircle({ name: submission.name, replaces }, others);
  return circle === null ? null : refusal(`Replaces= goes round in a circle: ${arrows(circle)}`);
}

/**
 * The units of a circle that `unit` closes, beginning and ending with it; null when there is none.
 */
export function replacesCircle(
  unit: Replacer,
  others: readonly Replacer[],
): readonly UnitName[] | null {
  const rest = others.filter(({ name }) => name !== unit.name);
  const visited = new Set<UnitName>();
  const paths: (readonly [Replacer, ...Replacer[]])[] = [[unit]]; // each with its newest unit first
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const [last] = path;
    if (replacesUnit(last, unit.name)) {
      return [...path.map(({ name }) => name).reverse(), unit.name];
    }
    for (const next of rest) {
      if (next === last || visited.has(next.name) || !replacesUnit(last, next.name)) continue;
      visited.add(next.name);
      paths.push([next, ...path]);
    }
  }
  return null;
}

function replacesUnit(replacer: Replacer, name: UnitName): boolean {
  return replacer.replaces.some((glob) => matchesGlob(glob, name));
}

async function followMachineOf(
  catalog: Catalog,
  { name, requirements }: Submission,
  signal: AbortSignal,
): Promise<Refusal | null> {
  const visited = new Set<UnitName>();
  const paths = requirements.machineOf.map((target): readonly UnitName[] => [name, target]);
  for (let path = paths.pop(); path !== undefined; path = paths.pop()) {
    const target = path.at(-1) ?? name;
    if (target === name) return refusal(`MachineOf= goes round in a circle: ${arrows(path)}`);
    if (visited.has(target)) continue;
    visited.add(target);
    if (visited.size > apiLimits.machineOfChainCountMax) {
      const countMax = apiLimits.machineOfChainCountMax;
      return refusal(`MachineOf= of ${name} leads to more than ${countMax} units`);
    }
    const view = await catalog.readUnit(target, signal);
    if (view === null) continue; // it may come later; until then this unit waits
    if (path.length === 2 && view.record.requirements.global) {
      return refusal(`MachineOf=${target}: that unit is global, it has no machine of its own`);
    }
    for (const next of view.record.requirements.machineOf) paths.push([...path, next]);
  }
  return null;
}

async function readReplacers(catalog: Catalog, signal: AbortSignal): Promise<readonly Replacer[]> {
  const replacers: Replacer[] = [];
  let start: PageStart | null = null;
  do {
    const page: Awaited<ReturnType<Catalog['readUnits']>> = await catalog.readUnits(
      { start, limitCount: pageItemsMax },
      signal,
    );
    for (const { name, record } of page.items) {
      const { replaces } = record.requirements;
      if (replaces.length > 0) replacers.push({ name, replaces });
    }
    start = page.next;
  } while (start !== null);
  return replacers;
}

function arrows(names: readonly UnitName[]): string {
  return names.join(' → ');
}

function refusal(message: string): Refusal {
  return { status: 400, message, hint: 'change the [X-Fleet] section of one of the units' };
}
