import { byText } from '../lib/order.ts';
import type { Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
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
  const unused = [...picture.texts].filter((text) => !referred.has(text)).sort(byText);
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
