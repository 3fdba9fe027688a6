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
  /** Silence after which a sign of life is asked for, if there is anything that it could tell. */
  readonly ttlMs: number;
  /**
   * The highest revision that anybody here has heard of, null when that is not known. Each renewal
   * of the lease brings that of the same member: what is silent while it stands still has nothing
   * to say, and asking costs a cluster at rest more than its leases.
   */
  readonly newest: () => Revision | null;
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
    const { store, clock, watched, ttlMs } = this.#options;
    const silence = new Silence(this.#options, after);
    let wasHeard = false;
    let isOver = false;
    const watch: Watch = store.watch(watched, (after + 1n) as Revision, {
      events: (events, revision) => {
        wasHeard = true;
        silence.brokenBy(revision);
        this.#target.apply(events, revision);
      },
      alive: () => {
        wasHeard = true;
        silence.brokenBy(null);
      },
      ended: () => {
        isOver = true;
        this.#wake.nudge();
      },
    });
    while (!isOver && !this.#isStale && !signal.aborted) {
      const advice = silence.advise();
      if (advice.kind === 'read') break;
      if (advice.kind === 'ask') watch.requestProgress();
      this.#wake.clear();
      if (isOver || this.#isStale) break;
      const restMs = advice.kind === 'rest' ? advice.ms : Math.min(ttlMs, limits.requestTimeoutMs);
      await this.#wake.rest(restMs, clock, signal);
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

type Advice =
  | { readonly kind: 'rest'; readonly ms: number }
  | { readonly kind: 'ask' }
  | { readonly kind: 'read' };

interface Asked {
  readonly atMs: number;
  readonly newest: Revision | null;
  /** We were held up ourselves: the answer may have come and was not read yet. */
  readonly isSecondWait: boolean;
}

/** How long a watch has said nothing, and what to make of it. */
class Silence {
  readonly #options: FollowerOptions;
  #heardAtMs: number;
  /** Everything up to this was shown, or was not about the range. */
  #shown: Revision;
  #asked: Asked | null = null;

  constructor(options: FollowerOptions, shown: Revision) {
    this.#options = options;
    this.#shown = shown;
    this.#heardAtMs = options.clock.nowMs();
  }

  /** The watch told of that revision; null: only that it lives. */
  brokenBy(revision: Revision | null): void {
    this.#heardAtMs = this.#options.clock.nowMs();
    // An answer comes over the same stream: what was known when it was asked for lies behind it.
    const shown = revision ?? this.#asked?.newest ?? this.#shown;
    if (shown > this.#shown) this.#shown = shown;
    this.#asked = null;
  }

  /** Asked once, read again when there is no answer. */
  advise(): Advice {
    const { clock, ttlMs, newest } = this.#options;
    const nowMs = clock.nowMs();
    if (this.#asked !== null) {
      const waitMs = Math.min(ttlMs, limits.requestTimeoutMs);
      const leftMs = this.#asked.atMs + waitMs - nowMs;
      if (leftMs > 0) return { kind: 'rest', ms: leftMs };
      const wasBusy = -leftMs > limits.ownLatenessMsMax && !this.#asked.isSecondWait;
      if (!wasBusy) return { kind: 'read' };
      this.#asked = { ...this.#asked, atMs: nowMs, isSecondWait: true };
      return { kind: 'rest', ms: waitMs };
    }
    const silentMs = nowMs - this.#heardAtMs;
    if (silentMs < ttlMs) return { kind: 'rest', ms: ttlMs - silentMs };
    const known = newest();
    if (known !== null && known <= this.#shown) return { kind: 'rest', ms: ttlMs };
    this.#asked = { atMs: nowMs, newest: known, isSecondWait: false };
    return { kind: 'ask' };
  }
}
