import type { Placement } from '../model/placement.ts';
import { limits } from './limits.ts';

/**
 * Whether a placement may be rewritten only because its objections read otherwise. They follow
 * every machine that comes and goes, for each unit that waits: a thousand waiting units must not
 * turn each of those into a thousand writes. What is decided never waits for this.
 */
export class Refreshes {
  readonly #nowMs: number;
  readonly #wakeAt: (atMs: number) => void;
  /** When stored ones were written. */
  readonly #stored: ReadonlyMap<unknown, number>;
  /** How many more may be written now, and when one more may be; null: not asked yet. */
  #budget: { freeCount: number; readonly freeAtMs: number } | null = null;

  constructor(stored: ReadonlyMap<unknown, number>, nowMs: number, wakeAt: (atMs: number) => void) {
    this.#nowMs = nowMs;
    this.#wakeAt = wakeAt;
    this.#stored = stored;
  }

  /** What to store of two placements that decide the same: the new one, or the old for now. */
  choose(stored: Placement, next: Placement): Placement {
    const refreshed = { ...next, refreshedMs: this.#nowMs };
    if (!hasSameReasons(stored, next)) return this.#isFree() ? refreshed : stored;
    // The same reasons, only for more machines or for fewer.
    const writtenMs = stored.refreshedMs ?? stored.sinceMs;
    const dueMs = writtenMs + limits.refreshUnitMs;
    if (writtenMs <= this.#nowMs && this.#nowMs < dueMs) {
      this.#wakeAt(dueMs);
      return stored;
    }
    return this.#isFree() ? refreshed : stored;
  }

  #isFree(): boolean {
    this.#budget ??= this.#counted();
    if (this.#budget.freeCount <= 0) {
      this.#wakeAt(this.#budget.freeAtMs);
      return false;
    }
    this.#budget.freeCount -= 1;
    return true;
  }

  #counted(): { freeCount: number; freeAtMs: number } {
    const sinceMs = this.#nowMs - limits.refreshWindowMs;
    let recentCount = 0;
    let oldestMs = this.#nowMs;
    for (const atMs of this.#stored.values()) {
      // One from the future was written by a leader whose clock goes otherwise.
      if (atMs <= sinceMs || atMs > this.#nowMs) continue;
      recentCount += 1;
      oldestMs = Math.min(oldestMs, atMs);
    }
    const freeAtMs = oldestMs + limits.refreshWindowMs;
    return { freeCount: limits.refreshCountMax - recentCount, freeAtMs };
  }
}

function hasSameReasons(one: Placement, other: Placement): boolean {
  const reasons = ({ objections }: Placement): string =>
    objections
      .map(({ why }) => why)
      .sort()
      .join('\n');
  return reasons(one) === reasons(other);
}
