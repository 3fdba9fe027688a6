import type { Figure, Row } from './part.ts';

/** A figure without a goal. */
export function told(figure: Figure, beside: Figure | null = null): Row {
  return { ...figure, beside, goal: null, isMet: null };
}

/** Good when it is no more than `max`, in the figure's own unit. */
export function atMost(figure: Figure, max: number, beside: Figure | null = null): Row {
  return judged(figure, beside, `at most ${max} ${figure.unit}`, figure.value <= max);
}

/** Good when it is no less than `min`, in the figure's own unit. */
export function atLeast(figure: Figure, min: number, beside: Figure | null = null): Row {
  return judged(figure, beside, `at least ${min} ${figure.unit}`, figure.value >= min);
}

/** Good when it is no more than `factor` times what stands beside it, of the same unit. */
export function atMostTimes(figure: Figure, factor: number, beside: Figure): Row {
  requireOneUnit(figure, beside);
  const isMet = figure.value <= factor * beside.value;
  return judged(figure, beside, `at most ${factor} × beside`, isMet);
}

/** Good when it is no more than `extra` above what stands beside it, of the same unit. */
export function atMostAbove(figure: Figure, extra: number, beside: Figure): Row {
  requireOneUnit(figure, beside);
  const isMet = figure.value <= beside.value + extra;
  return judged(figure, beside, `at most beside + ${extra} ${figure.unit}`, isMet);
}

/** The value below which that share of them lies, by nearest rank: `quantile(values, 0.99)`. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.max(Math.ceil(sorted.length * share) - 1, 0)] ?? Number.NaN;
}

/** The value in the middle. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

function judged(figure: Figure, beside: Figure | null, goal: string, isMet: boolean): Row {
  return { ...figure, beside, goal, isMet };
}

function requireOneUnit(figure: Figure, beside: Figure): void {
  if (figure.unit === beside.unit) return;
  throw new Error(`${figure.what} is in ${figure.unit}, ${beside.what} in ${beside.unit}`);
}
