/** Limits of a growing pause between tries. */
export interface BackoffLimits {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** The pause before try number `tryCount` (1 is the first retry): doubles, then stays at the maximum. */
export function backoffMs(tryCount: number, limits: BackoffLimits): number {
  const doublings = Math.min(Math.max(tryCount - 1, 0), 30);
  return Math.min(limits.firstMs * 2 ** doublings, limits.maxMs);
}
