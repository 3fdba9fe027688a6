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
  /** How many more may be written now. */
  #freeCount: number;
  /** When one more may be. */
  readonly #freeAtMs: number;

  constructor(stored: Iterable<Placement>, nowMs: number, wakeAt: (atMs: number) => void) {
    this.#nowMs = nowMs;
    this.#wakeAt = wakeAt;
    const sinceMs = nowMs - limits.refreshWindowMs;
    // One from the future was written by a leader whose clock goes otherwise.
    const recent = [...stored]
      .flatMap(({ refreshedMs }) => refreshedMs ?? [])
      .filter((atMs) => atMs > sinceMs && atMs <= nowMs);
    this.#freeCount = limits.refreshCountMax - recent.length;
    const oldestMs = recent.reduce((oldest, one) => Math.min(oldest, one), nowMs);
    this.#freeAtMs = oldestMs + limits.refreshWindowMs;
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
    if (this.#freeCount <= 0) {
      this.#wakeAt(this.#freeAtMs);
      return false;
    }
    this.#freeCount -= 1;
    return true;
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
