import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import { Wake } from '../lib/wake.ts';
import type { Revision } from '../model/ids.ts';
import { limits } from './limits.ts';
import { readWhole, type WholeRange } from './paged-read.ts';
import type { KeyRange, Store, StoredItem, Watch, WatchEvent } from './store.ts';

/** Who is told what a range holds. Both calls are synchronous. */
export interface FollowerTarget {
  /** A complete reading: what is not in it is not there. */
  reset(items: readonly StoredItem[], revision: Revision): void;
  /** What changed since, in order, whole revisions at a time. */
  apply(events: readonly WatchEvent[], revision: Revision): void;
  /** Reading failed; `null`: it works again. Called on changes only. */
  troubled(problem: string | null): void;
}

/** What to follow. */
export interface FollowerOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Parts to read, all inside `watched`. */
  readonly ranges: readonly WholeRange[];
  readonly watched: KeyRange;
  /** Silence after which a sign of life is asked for, and one more until it is read again. */
  readonly ttlMs: number;
  /**
   * The newest revision that anything has told, e.g. a renewal of the lease. As long as it is no
   * newer than what was told here, there was nothing to tell, and silence is right. Left out:
   * silence is never right.
   */
  readonly newest?: () => Revision | null;
}

/**
 * Keeps a target equal to a range of the store: a paged reading at one revision, then a watch from
 * the next. Compacted, broken or silent: everything is read again. `run` goes on until abort.
 */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #target: FollowerTarget;
  readonly #wake = new Wake();
  #problem: string | null = null;
  #isStale = false;

  constructor(options: FollowerOptions, target: FollowerTarget) {
    this.#options = options;
    this.#target = target;
  }

  /** Follows until abort; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, ttlMs } = this.#options;
    while (!signal.aborted) {
      this.#isStale = false;
      const revision = await this.#read(signal);
      if (signal.aborted) return;
      const wasHeard = revision !== null && (await this.#watch(revision, signal));
      if (wasHeard) continue;
      this.#wake.clear(); // a wish to read is no reason to hurry a store that is away
      await this.#wake.rest(Math.min(limits.retryMaxMs, ttlMs / 6), clock, signal);
    }
  }

  /** Reads everything again, soon. */
  refresh(): void {
    this.#isStale = true;
    this.#wake.nudge();
  }

  async #read(signal: AbortSignal): Promise<Revision | null> {
    const { store, ranges } = this.#options;
    try {
      const reading = await readWhole(store, { ranges, revision: null }, signal);
      if (signal.aborted) return null;
      this.#tell(null);
      this.#target.reset(reading.items, reading.revision);
      return reading.revision;
    } catch (thrown) {
      if (!signal.aborted) this.#tell(messageOf(thrown));
      return null;
    }
  }

  /** Ends when it has to be read again, or on abort; false when it was over at once. */
  async #watch(after: Revision, signal: AbortSignal): Promise<boolean> {
    const { store, clock, watched, ttlMs, newest } = this.#options;
    const patienceMs = ttlMs + Math.min(ttlMs, limits.requestTimeoutMs);
    let heardAtMs = clock.nowMs();
    let toldTo = after;
    let wasHeard = false;
    let isOver = false;
    let isAsked = false; // not by time: an answer may come in the same millisecond
    const heard = (revision: Revision | null): void => {
      if (revision !== null && revision > toldTo) toldTo = revision;
      heardAtMs = clock.nowMs();
      wasHeard = true;
      isAsked = false;
    };
    const watch: Watch = store.watch(watched, (after + 1n) as Revision, {
      events: (events, revision) => {
        heard(revision);
        this.#target.apply(events, revision);
      },
      alive: heard,
      ended: () => {
        isOver = true;
        this.#wake.nudge();
      },
    });
    const isSilenceRight = (): boolean => {
      const revision = newest?.() ?? null;
      return wasHeard && !isAsked && revision !== null && revision <= toldTo;
    };
    while (!isOver && !this.#isStale && !signal.aborted) {
      if (clock.nowMs() - heardAtMs >= ttlMs && isSilenceRight()) heardAtMs = clock.nowMs();
      const silentMs = clock.nowMs() - heardAtMs;
      if (silentMs >= patienceMs) break;
      if (silentMs >= ttlMs && !isAsked) {
        isAsked = true;
        watch.requestProgress();
      }
      this.#wake.clear();
      if (isOver || this.#isStale) break;
      await this.#wake.rest((silentMs >= ttlMs ? patienceMs : ttlMs) - silentMs, clock, signal);
    }
    watch.stop();
    return wasHeard || this.#isStale;
  }

  #tell(problem: string | null): void {
    if (problem === this.#problem) return;
    this.#problem = problem;
    this.#target.troubled(problem);
  }
}
