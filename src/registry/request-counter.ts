import type { RequestCount, RequestKind } from './store.ts';

/** Counts requests by kind. */
export class RequestCounter {
  readonly #counts = new Map<RequestKind, { sentCount: number; failedCount: number }>();

  sent(kind: RequestKind): void {
    this.#of(kind).sentCount += 1;
  }

  failed(kind: RequestKind): void {
    this.#of(kind).failedCount += 1;
  }

  counts(): ReadonlyMap<RequestKind, RequestCount> {
    return new Map([...this.#counts].map(([kind, count]) => [kind, { ...count }]));
  }

  #of(kind: RequestKind): { sentCount: number; failedCount: number } {
    const known = this.#counts.get(kind);
    if (known !== undefined) return known;
    const fresh = { sentCount: 0, failedCount: 0 };
    this.#counts.set(kind, fresh);
    return fresh;
  }
}
