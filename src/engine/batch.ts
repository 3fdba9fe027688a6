import type { Decision } from '../model/change.ts';

/** Decisions as they are written: batch after batch, and those that fit into none. */
export interface Batches {
  readonly batches: readonly (readonly Decision[])[];
  /** Decisions with more changes than one transaction takes; none of them may be written. */
  readonly oversized: readonly Decision[];
}

/** Fills batches of at most `changesMax` changes, in order; a decision is never split. */
export function toBatches(decisions: readonly Decision[], changesMax: number): Batches {
  const oversized = decisions.filter(({ changes }) => changes.length > changesMax);
  const batches: Decision[][] = [];
  let roomCount = 0;
  for (const decision of decisions) {
    const changeCount = decision.changes.length;
    if (changeCount > changesMax) continue;
    const current = batches.at(-1);
    if (current === undefined || changeCount > roomCount) {
      batches.push([decision]);
      roomCount = changesMax - changeCount;
    } else {
      current.push(decision);
      roomCount -= changeCount;
    }
  }
  return { batches, oversized };
}
