import { byText } from '../lib/order.ts';
import { gathered, type Steps } from '../lib/steps.ts';
import { WideMap } from '../lib/wide-map.ts';
import type { Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { Draft } from './draft.ts';
import { limits } from './limits.ts';

/**
 * Forgets the texts that no unit and no order of this picture refers to. While anything is not
 * readable nothing is forgotten: it might refer to any of them.
 */
export function textDecisions(picture: ClusterPicture): Decision[] {
  if (picture.unreadable.size > 0) return [];
  const referred = new Set<string>();
  for (const record of picture.units.values()) referred.add(record.contentHash);
  for (const orders of picture.orders.values()) {
    for (const order of orders.values()) referred.add(order.contentHash);
  }
  return forgotten([...picture.texts.keys()].filter((text) => !referred.has(text)));
}

/** The same for the picture of the draft with these decisions written. */
export function* unusedTextDecisions(
  draft: Draft,
  decisions: readonly Decision[],
): Steps<Decision[]> {
  const { picture, lookups } = draft;
  if (picture.unreadable.size > 0) return [];
  const steps = new WideMap<ContentHash, number>();
  const count = (text: ContentHash | undefined, step: number): void => {
    if (text !== undefined) steps.set(text, (steps.get(text) ?? 0) + step);
  };
  for (const { changes } of decisions) {
    yield;
    for (const change of changes) {
      if (change.kind === 'forget-unit') count(picture.units.get(change.unit)?.contentHash, -1);
      if (change.kind !== 'order' && change.kind !== 'withdraw') continue;
      const was = draft.order(change.machine, change.unit)?.contentHash;
      const is = change.kind === 'order' ? change.order.contentHash : undefined;
      if (was === is) continue;
      count(was, -1);
      count(is, 1);
    }
  }
  const unused: ContentHash[] = [];
  for (const text of yield* gathered(lookups.unusedTexts, steps.keys())) {
    yield;
    const useCount = lookups.textUseCount(text) + (steps.get(text) ?? 0);
    if (useCount === 0 && picture.texts.has(text)) unused.push(text);
  }
  return forgotten(unused);
}

function forgotten(texts: readonly ContentHash[]): Decision[] {
  const unused = [...texts].sort(byText);
  const decisions: Decision[] = [];
  for (let start = 0; start < unused.length; start += limits.batchChangesMax) {
    const part = unused.slice(start, start + limits.batchChangesMax);
    decisions.push({
      subject: 'texts',
      reason: 'no unit and no order refers to them',
      changes: part.map((contentHash) => ({ kind: 'forget-text', contentHash })),
    });
  }
  return decisions;
}
