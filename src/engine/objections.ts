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
  const all = objections.reduce((sum, objection) => sum + objection.count, 0);
  const shown: Objection[] = [];
  let bytes = 2; // the brackets
  let shownCount = 0;
  for (const objection of objections) {
    const more = bytesOf(objection) + 1;
    const rest = restOf(objections.length - shown.length - 1, all - shownCount - objection.count);
    const restBytes = rest === null ? 0 : bytesOf(rest);
    if (bytes + more + restBytes > limits.objectionsBytesMax) break;
    shown.push(objection);
    bytes += more;
    shownCount += objection.count;
  }
  const rest = restOf(objections.length - shown.length, all - shownCount);
  return rest === null ? shown : [...shown, rest];
}

function restOf(reasonCount: number, machineCount: number): Objection | null {
  if (reasonCount === 0) return null;
  return { why: `${reasonCount} other reasons`, count: machineCount, machines: [] };
}

function bytesOf(objection: Objection): number {
  return Buffer.byteLength(JSON.stringify(objection));
}
