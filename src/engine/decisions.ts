import { byText } from '../lib/order.ts';
import { type Steps, sorted } from '../lib/steps.ts';
import { WideSet } from '../lib/wide-map.ts';
import type { Change, Decision } from '../model/change.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import { limits } from './limits.ts';
import type { Reasoned } from './subject.ts';

/**
 * Makes decisions of the changes of all units, by name: one for each unit, one
 * for all units that move together. What can wait for its own transaction (taking a copy down,
 * taking an order back) is split off where a unit has too many of them for one.
 */
export function* unitDecisions(
  draft: Draft,
  changes: ReadonlyMap<UnitName, readonly Reasoned[]>,
): Steps<Decision[]> {
  const done = new WideSet<UnitName>();
  const decisions: Decision[] = [];
  for (const unit of yield* sorted(changes.keys(), byText)) {
    yield;
    if (done.has(unit)) continue;
    const members = [...draft.groupOf(unit)].filter((member) => changes.has(member));
    const moving = members.filter((member) => hasPlacement(changes.get(member)));
    const together = moving.includes(unit) ? moving : [unit];
    for (const member of together) done.add(member);
    const joined = together.flatMap((member) => changes.get(member) ?? []);
    decisions.push(...decisionsOf(together[0] ?? unit, joined));
  }
  return decisions;
}

function hasPlacement(changes: readonly Reasoned[] = []): boolean {
  return changes.some(({ change }) => change.kind === 'place');
}

function decisionsOf(subject: UnitName, changes: readonly Reasoned[]): Decision[] {
  if (changes.length === 0) return [];
  if (changes.length <= limits.batchChangesMax) return [decision(subject, changes)];
  const loose = changes.filter(({ change }) => isLoose(change));
  const bound = changes.filter(({ change }) => !isLoose(change));
  const first = loose.map((one) => decision(subject, [one]));
  return bound.length === 0 ? first : [...first, decision(subject, bound)];
}

/** Takes something down or back: safe to write before and apart from the rest. */
function isLoose(change: Change): boolean {
  return change.kind === 'withdraw' || (change.kind === 'order' && change.order.want === 'gone');
}

function decision(subject: UnitName, changes: readonly Reasoned[]): Decision {
  const first = changes.find(({ change }) => change.kind === 'place') ?? changes[0];
  return {
    subject,
    reason: first?.reason ?? '',
    changes: changes.map(({ change }) => change),
  };
}
