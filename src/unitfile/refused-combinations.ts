import { parseGlob } from './glob.ts';
import { printable, type RequirementProblem } from './problem.ts';
import { type Given, type GivenRequirements, problemWith } from './requirement-values.ts';
import type { UnitName } from './unit-name.ts';

/** Kinds that exclude each other, by fleet 1.0's rules. */
const exclusive = [
  ['machineId', 'machineOf'],
  ['machineId', 'conflicts'],
  ['machineId', 'global'],
  ['machineId', 'replaces'],
  ['global', 'machineOf'],
  ['global', 'replaces'],
  ['conflicts', 'replaces'],
  ['global', 'onPartition'],
] as const;

/**
 * What cannot be wished for at once: each problem names both options and their lines and stands at
 * the later one. `given.global` must be empty unless the unit is global, `given.onPartition` unless
 * it says `stop`.
 */
export function refusedCombinations(
  given: GivenRequirements,
  name: UnitName,
): readonly RequirementProblem[] {
  const problems: RequirementProblem[] = [];
  for (const [left, right] of exclusive) {
    const pair = inOrder(given[left].at(-1), given[right].at(-1));
    if (pair === null) continue;
    const [earlier, later] = pair;
    const message = `${place(later)} cannot be combined with ${place(earlier)}; remove one of them`;
    problems.push(problemWith(later, message));
  }
  return [...problems, ...unreachableTargets(given), ...circles(given, name)];
}

function inOrder(left: Given | undefined, right: Given | undefined): [Given, Given] | null {
  if (left === undefined || right === undefined) return null;
  return left.line <= right.line ? [left, right] : [right, left];
}

function place({ option, line }: Given): string {
  return `${option}= (line ${line})`;
}

/** Targets of `MachineOf=` that the unit itself keeps away or drives away. */
function unreachableTargets(given: GivenRequirements): readonly RequirementProblem[] {
  const globs = [...given.conflicts, ...given.replaces];
  return given.machineOf.flatMap((target) =>
    globs
      .filter((glob) => matches(glob, target.text))
      .map((glob) => {
        const name = printable(target.text);
        const why = `${place(glob)} matches ${name}, whose machine ${place(target)} asks for`;
        return problemWith(glob, `${why}; remove one of them`);
      }),
  );
}

function circles(given: GivenRequirements, name: UnitName): readonly RequirementProblem[] {
  const own = given.machineOf
    .filter(({ text }) => text === name)
    .map((target) => problemWith(target, `${place(target)} names the unit itself; name another`));
  const replaced = given.replaces
    .filter((glob) => matches(glob, name))
    .map((glob) => {
      const why = `${place(glob)} matches the unit itself, so it would move for ever`;
      return problemWith(glob, `${why}; choose a narrower glob`);
    });
  return [...own, ...replaced];
}

function matches(glob: Given, name: string): boolean {
  const parsed = parseGlob(glob.text); // malformed ones are reported elsewhere
  return parsed.ok && parsed.value.matches(name);
}
