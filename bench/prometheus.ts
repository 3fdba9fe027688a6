/** The samples of one metric by the value of one of its labels; equal ones are added up. */
export function samplesBy(text: string, metric: string, label: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = /^([\w:]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name !== metric) continue;
    const key = new RegExp(`(?:^|,)${label}="([^"]*)"`).exec(labels)?.[1] ?? '';
    samples.set(key, (samples.get(key) ?? 0) + Number(value));
  }
  return samples;
}

/** Adds the samples of several texts up, by their keys. */
export function addedUp(all: readonly ReadonlyMap<string, number>[]): Map<string, number> {
  const sums = new Map<string, number>();
  for (const samples of all) {
    for (const [key, value] of samples) sums.set(key, (sums.get(key) ?? 0) + value);
  }
  return sums;
}

/** How much each grew, a second; those that did not grow are left out. */
export function ratesOf(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  seconds: number,
): Map<string, number> {
  return new Map(
    [...after].flatMap(([key, value]) => {
      const grown = value - (before.get(key) ?? 0);
      return grown === 0 ? [] : [[key, grown / seconds]];
    }),
  );
}
