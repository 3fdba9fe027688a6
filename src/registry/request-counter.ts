import { Histogram } from '../lib/metric.ts';
import type { RequestCount, RequestKind } from './store.ts';

interface Tally {
  sentCount: number;
  failedCount: number;
  durations: Histogram | null;
}

/** Counts requests by kind. */
export class RequestCounter {
  readonly #tallies = new Map<RequestKind, Tally>();

  sent(kind: RequestKind): void {
    this.#of(kind).sentCount += 1;
  }

  failed(kind: RequestKind): void {
    this.#of(kind).failedCount += 1;
  }

  /** It was answered after so long. */
  took(kind: RequestKind, ms: number): void {
    const tally = this.#of(kind);
    tally.durations ??= new Histogram();
    tally.durations.observe(ms);
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return new Map(
      [...this.#tallies].map(([kind, { sentCount, failedCount, durations }]) => [
        kind,
        { sentCount, failedCount, durations: durations?.read() ?? null },
      ]),
    );
  }

  #of(kind: RequestKind): Tally {
    const known = this.#tallies.get(kind);
    if (known !== undefined) return known;
    const fresh: Tally = { sentCount: 0, failedCount: 0, durations: null };
    this.#tallies.set(kind, fresh);
    return fresh;
  }
}
