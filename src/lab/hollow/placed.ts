import { unitName } from './submit.ts';
import type { ActivePlace } from './words.ts';

const namedCountMax = 3;

/** What is wrong with who runs what; empty: each unit is active, and on one machine. */
export function faultsIn(places: readonly ActivePlace[], unitCount: number): readonly string[] {
  const copies = new Map<string, number[]>();
  for (const [unit, machine] of places) copies.set(unit, [...(copies.get(unit) ?? []), machine]);
  const wanted = Array.from({ length: unitCount }, (_, index) => unitName(index + 1));
  const absent = wanted.filter((unit) => !copies.has(unit));
  const twice = [...copies].filter(([, machines]) => machines.length > 1).map(([unit]) => unit);
  const known = new Set(wanted);
  const strange = [...copies.keys()].filter((unit) => !known.has(unit));
  return [
    ...told(absent, 'not active'),
    ...told(twice, 'active on more than one machine'),
    ...told(strange, 'active, though nobody asked for it'),
  ];
}

function told(units: readonly string[], what: string): readonly string[] {
  if (units.length === 0) return [];
  const named = units.slice(0, namedCountMax).join(', ');
  const more = units.length > namedCountMax ? ` and ${units.length - namedCountMax} more` : '';
  return [`${what}: ${named}${more}`];
}
