import { byText } from '../lib/order.ts';
import type { Machine } from '../model/machine.ts';
import type { Objection } from '../model/placement.ts';
import { limits } from './limits.ts';

/** What one machine says against a unit. */
export interface Refusal {
  readonly machine: Machine['id'];
  readonly why: string;
}

/**
 * Objections grouped by their words, the most frequent first, at most 1 KiB as JSON: what does
 * not fit is counted in a last one.
 */
export function groupObjections(refusals: readonly Refusal[]): readonly Objection[] {
  const groups = new Map<string, Refusal['machine'][]>();
  for (const { why, machine } of refusals) {
    const words = why.slice(0, limits.objectionWhyCharsMax);
    const group = groups.get(words) ?? [];
    if (group.length === 0) groups.set(words, group);
    group.push(machine);
  }
  const objections = [...groups].map(([why, machines]) => ({
    why,
    count: machines.length,
    machines: machines.sort(byText).slice(0, limits.objectionMachinesMax),
  }));
  objections.sort((left, right) => right.count - left.count || byText(left.why, right.why));
  return shortened(objections);
}

function shortened(objections: readonly Objection[]): readonly Objection[] {
  if (bytesOf(objections) <= limits.objectionsBytesMax) return objections;
  for (let shown = objections.length - 1; shown > 0; shown--) {
    const left = objections.slice(shown);
    const count = left.reduce((sum, objection) => sum + objection.count, 0);
    const rest: Objection = { why: `${left.length} other reasons`, count, machines: [] };
    const short = [...objections.slice(0, shown), rest];
    if (bytesOf(short) <= limits.objectionsBytesMax) return short;
  }
  return objections.slice(0, 1);
}

function bytesOf(objections: readonly Objection[]): number {
  return Buffer.byteLength(JSON.stringify(objections));
}

/** The objections in one line: `conflicts with a.service (2 machines); …`. */
export function objectionWords(objections: readonly Objection[]): string {
  if (objections.length === 0) return 'no machine is present';
  return objections
    .map(({ why, count }) => `${why} (${count} ${count === 1 ? 'machine' : 'machines'})`)
    .join('; ');
}
