/** Labels of one sample, e.g. `{type: 'txn'}`. */
export type MetricLabels = Readonly<Record<string, string>>;

/** One value of a counter or gauge. */
export interface MetricSample {
  readonly labels: MetricLabels;
  readonly value: number;
}

/** How often something took how long. */
export interface HistogramReading {
  /** Upper bounds in seconds, ascending. */
  readonly bounds: readonly number[];
  /** How many values lay at or below each bound; as long as `bounds`. */
  readonly counts: readonly number[];
  readonly count: number;
  /** In seconds. */
  readonly sum: number;
}

/** One value of a histogram. */
export interface HistogramSample {
  readonly labels: MetricLabels;
  readonly reading: HistogramReading;
}

/** Everything that is said under one name. */
export type Metric = { readonly name: string; readonly help: string } & (
  | { readonly type: 'counter' | 'gauge'; readonly samples: readonly MetricSample[] }
  | { readonly type: 'histogram'; readonly samples: readonly HistogramSample[] }
);

/** From a fast request to a slow pass, in seconds. */
const boundsDefault = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Counts durations by size, in little and constant memory. */
export class Histogram {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #count = 0;
  #sum = 0;

  constructor(bounds: readonly number[] = boundsDefault) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(ms: number): void {
    const seconds = Math.max(ms, 0) / 1_000;
    this.#count += 1;
    this.#sum += seconds;
    for (const [index, bound] of this.#bounds.entries()) {
      if (seconds <= bound) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    }
  }

  read(): HistogramReading {
    return {
      bounds: this.#bounds,
      counts: [...this.#counts],
      count: this.#count,
      sum: this.#sum,
    };
  }
}

/** Counts by one label's value; the values come from our code, so there are few. */
export class LabelledCounter<Value extends string> {
  readonly #label: string;
  readonly #counts: Map<Value, number>;

  /** `values` are shown from the start, with 0. */
  constructor(label: string, values: readonly Value[]) {
    this.#label = label;
    this.#counts = new Map(values.map((value) => [value, 0]));
  }

  add(value: Value, count = 1): void {
    this.#counts.set(value, (this.#counts.get(value) ?? 0) + count);
  }

  samples(): readonly MetricSample[] {
    return [...this.#counts].map(([value, count]) => ({
      labels: { [this.#label]: value },
      value: count,
    }));
  }
}
