import { byText } from '../lib/order.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { parseBoolean } from './boolean.ts';
import { parseGlob } from './glob.ts';
import { unitFileLimits } from './limits.ts';
import {
  objectionToOnPartition,
  type PartitionStop,
  partitionStop,
  refusedOnPartition,
} from './on-partition.ts';
import { printable, type RequirementProblem } from './problem.ts';
import { refusedCombinations } from './refused-combinations.ts';
import { requirementSpellings, requirementWarnings } from './requirement-options.ts';
import {
  type Given,
  type GivenRequirements,
  problemWith,
  readGiven,
} from './requirement-values.ts';
import type { UnitFile } from './unit-file.ts';
import { parseUnitName, type UnitName, unitNameParts } from './unit-name.ts';

export { isOneshot } from './is-oneshot.ts';
export type { RequirementProblem } from './problem.ts';
export { description } from './unit-file.ts';

/** What `[X-Fleet]` asks of a machine, specifiers already replaced, lists sorted and without repeats. */
export interface Requirements {
  /** A full machine id or its first eight characters; null when any machine will do. */
  readonly machineId: string | null;
  /** Units on whose machine this one must run. */
  readonly machineOf: readonly UnitName[];
  /** One entry a key, sorted by key; any of its values will do, every key must match. */
  readonly metadata: readonly { readonly key: string; readonly values: readonly string[] }[];
  /** Globs of unit names that must not share a machine with this unit. */
  readonly conflicts: readonly string[];
  /** Globs of unit names whose place this unit takes. */
  readonly replaces: readonly string[];
  /** Runs on every machine that fits. */
  readonly global: boolean;
  /** `OnPartition=stop`; absent for `keep`, the default. */
  readonly onPartition?: PartitionStop;
}

/**
 * Reads `[X-Fleet]` of the unit `name`. Refuses with every problem, in the order of the file;
 * unknown options are only warned about.
 *
 * A template is checked with a stand-in instance, since it is never placed: its requirements are
 * those that do not depend on the instance.
 */
export function readRequirements(
  file: UnitFile,
  name: UnitName,
): Result<
  { readonly requirements: Requirements; readonly warnings: readonly string[] },
  readonly RequirementProblem[]
> {
  const { prefix, type, isTemplate } = unitNameParts(name);
  const checkedName = isTemplate ? (`${prefix}@i.${type}` as UnitName) : name;
  const { given: all, problems: valueProblems } = readGiven(file, checkedName);
  const isGlobal = parseBoolean(all.global.at(-1)?.text ?? '') === true;
  const isStop = all.onPartition.at(-1)?.text === 'stop';
  const given = {
    ...all,
    global: isGlobal ? all.global : [],
    onPartition: isStop ? all.onPartition.slice(-1) : [],
  };
  const problems = [
    ...valueProblems,
    ...badValues(all),
    ...refusedCombinations(given, checkedName),
    ...refusedOnPartition(file, checkedName, given.onPartition[0]),
  ];
  if (problems.length > 0) return fail(sorted(problems).slice(0, unitFileLimits.problemCountMax));
  const stop = partitionStop(file, given.onPartition[0]);
  const requirements = {
    ...toRequirements(isTemplate ? withoutInstances(given) : given),
    ...(stop === null ? {} : { onPartition: stop }),
  };
  return ok({ requirements, warnings: requirementWarnings(file) });
}

function badValues(given: GivenRequirements): readonly RequirementProblem[] {
  return [
    ...given.machineId.flatMap((value) => objection(value, objectionToMachineId)),
    ...differentMachines(given.machineId),
    ...given.machineOf.flatMap((value) => objection(value, objectionToTarget)),
    ...given.metadata.flatMap((value) => objection(value, objectionToPair)),
    ...[...given.conflicts, ...given.replaces].flatMap((value) =>
      objection(value, objectionToGlob),
    ),
    ...given.global.flatMap((value) => objection(value, objectionToBoolean)),
    ...given.onPartition.flatMap((value) => objection(value, objectionToOnPartition)),
  ];
}

function objection(
  given: Given,
  objectionTo: (text: string) => string | null,
): readonly RequirementProblem[] {
  const why = objectionTo(given.text);
  return why === null ? [] : [problemWith(given, why)];
}

function objectionToMachineId(text: string): string | null {
  if (/^[0-9a-f]{8}(?:[0-9a-f]{24})?$/i.test(text)) return null;
  return 'a machine id has 32 hex digits; give all of them or the first eight, see list-machines';
}

function differentMachines(ids: readonly Given[]): readonly RequirementProblem[] {
  const asked = strongestIds(ids);
  const first = asked[0];
  if (first === undefined) return [];
  return asked
    .filter(({ text }) => text.toLowerCase() !== first.text.toLowerCase())
    .map((other) => {
      const why = `line ${first.line} already asks for machine ${printable(first.text)}`;
      return problemWith(other, `${why}; a unit can have one machine, remove one of them`);
    });
}

/** The ids in the spelling that counts: `MachineID=` beats the two deprecated ones. */
function strongestIds(ids: readonly Given[]): readonly Given[] {
  for (const spelling of requirementSpellings) {
    const spelled = ids.filter(({ option }) => option === spelling);
    if (spelled.length > 0) return spelled;
  }
  return [];
}

function objectionToTarget(text: string): string | null {
  const name = parseUnitName(text);
  if (!name.ok) return name.error;
  const { isTemplate, prefix, type } = unitNameParts(name.value);
  if (!isTemplate) return null;
  return `a template never runs; name an instance such as ${prefix}@1.${type}`;
}

function objectionToPair(text: string): string | null {
  const pair = text.split('=');
  const isPair = pair.length === 2 && pair.every((part) => part.trim() !== '');
  return isPair ? null : 'not KEY=VALUE; write one pair, or several as "KEY=VALUE" "KEY=VALUE"';
}

function objectionToGlob(text: string): string | null {
  const glob = parseGlob(text);
  return glob.ok ? null : glob.error;
}

function objectionToBoolean(text: string): string | null {
  return parseBoolean(text) === null ? 'not a boolean; write true or false' : null;
}

/** Keeps what is the same for every instance. */
function withoutInstances(given: GivenRequirements): GivenRequirements {
  const constant = (list: readonly Given[]): readonly Given[] =>
    list.filter(({ isPerInstance }) => !isPerInstance);
  return {
    machineId: constant(given.machineId),
    machineOf: constant(given.machineOf),
    metadata: constant(given.metadata),
    conflicts: constant(given.conflicts),
    replaces: constant(given.replaces),
    global: given.global,
    onPartition: given.onPartition,
  };
}

function toRequirements(given: GivenRequirements): Requirements {
  const pairs = given.metadata.map(({ text }) => text.split('='));
  const keys = distinct(pairs.map(([key = '']) => key));
  return {
    machineId: strongestIds(given.machineId)[0]?.text.toLowerCase() ?? null,
    machineOf: distinct(given.machineOf.map(({ text }) => text as UnitName)), // checked above
    metadata: keys.map((key) => ({
      key,
      values: distinct(pairs.filter((pair) => pair[0] === key).map((pair) => pair[1] ?? '')),
    })),
    conflicts: distinct(given.conflicts.map(({ text }) => text)),
    replaces: distinct(given.replaces.map(({ text }) => text)),
    global: given.global.length > 0,
  };
}

function distinct<T extends string>(texts: readonly T[]): readonly T[] {
  return [...new Set(texts)].sort(byText);
}

function sorted(problems: readonly RequirementProblem[]): readonly RequirementProblem[] {
  return [...problems].sort((a, b) => a.line - b.line || a.column - b.column);
}
