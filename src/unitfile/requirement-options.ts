import { unitFileLimits } from './limits.ts';
import { printable } from './problem.ts';
import { type Assignment, assignmentsOf, type UnitFile } from './unit-file.ts';

/** The section that speaks to fleet; systemd passes over it. */
export const fleetSection = 'X-Fleet';

/** What an option of `[X-Fleet]` is about, however it is spelled. */
export type RequirementKind =
  | 'machineId'
  | 'machineOf'
  | 'metadata'
  | 'conflicts'
  | 'replaces'
  | 'global'
  | 'onPartition';

/** Every spelling fleet 1.0 understands. Of `machineId`, an earlier one wins over a later one. */
const spellings: ReadonlyMap<string, RequirementKind> = new Map([
  ['MachineID', 'machineId'],
  ['X-ConditionMachineID', 'machineId'],
  ['X-ConditionMachineBootID', 'machineId'],
  ['MachineOf', 'machineOf'],
  ['X-ConditionMachineOf', 'machineOf'],
  ['MachineMetadata', 'metadata'],
  ['X-ConditionMachineMetadata', 'metadata'],
  ['Conflicts', 'conflicts'],
  ['X-Conflicts', 'conflicts'],
  ['Replaces', 'replaces'],
  ['Global', 'global'],
  ['OnPartition', 'onPartition'],
]);

/** All spellings, the current one of each kind before the deprecated ones. */
export const requirementSpellings: readonly string[] = [...spellings.keys()];

/** The kind of an option of `[X-Fleet]`; null when it is not known. */
export function requirementKind(option: string): RequirementKind | null {
  return spellings.get(option) ?? null;
}

/** The assignments in `[X-Fleet]`, in the order of the file. */
export function fleetAssignments(file: UnitFile): readonly Assignment[] {
  return assignmentsOf(file).filter(({ section }) => section === fleetSection);
}

/** One sentence for each unknown option of `[X-Fleet]` and each section that looks like it. */
export function requirementWarnings(file: UnitFile): readonly string[] {
  const warnings: string[] = [];
  for (const entry of file.entries) {
    if (entry.kind === 'section' && looksLikeFleetSection(entry.name)) {
      const shown = printable(entry.name);
      warnings.push(
        `line ${entry.line}: section [${shown}] is ignored; did you mean [${fleetSection}]?`,
      );
    }
    if (entry.kind !== 'assignment' || entry.section !== fleetSection) continue;
    if (requirementKind(entry.name) !== null) continue;
    const close = closestSpelling(entry.name);
    const hint = close === null ? '' : `; did you mean ${close}=?`;
    const shown = `${printable(entry.name)}=`;
    warnings.push(
      `line ${entry.line}: ${shown} in [${fleetSection}] is not known and ignored${hint}`,
    );
  }
  return warnings.length <= unitFileLimits.problemCountMax
    ? warnings
    : [
        ...warnings.slice(0, unitFileLimits.problemCountMax),
        `and ${warnings.length - unitFileLimits.problemCountMax} more like these`,
      ];
}

function looksLikeFleetSection(name: string): boolean {
  const plain = (text: string): string => text.toLowerCase().replace(/[^a-z]/g, '');
  return name !== fleetSection && plain(name) === plain(fleetSection);
}

function closestSpelling(option: string): string | null {
  let best: string | null = null;
  let bestDistance: number = unitFileLimits.typoDistanceMax + 1;
  for (const spelling of requirementSpellings) {
    const distance = editDistance(option.toLowerCase(), spelling.toLowerCase());
    if (distance >= bestDistance) continue;
    best = spelling;
    bestDistance = distance;
  }
  return best;
}

/** Letters to put in, take out or exchange; texts of very different lengths are simply far. */
function editDistance(left: string, right: string): number {
  const lengthsApart = Math.abs(left.length - right.length);
  if (lengthsApart > unitFileLimits.typoDistanceMax) return lengthsApart;
  let above = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const exchange = left[row - 1] === right[column - 1] ? 0 : 1;
      const fromLeft = (current[column - 1] ?? 0) + 1;
      const fromAbove = (above[column] ?? 0) + 1;
      const fromCorner = (above[column - 1] ?? 0) + exchange;
      current.push(Math.min(fromLeft, fromAbove, fromCorner));
    }
    above = current;
  }
  return above[right.length] ?? 0;
}
