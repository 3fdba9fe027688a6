const unitsMs: ReadonlyMap<string, number> = new Map([
  ...(['us', 'usec', 'µs'] as const).map((unit) => [unit, 0.001] as const),
  ...(['ms', 'msec'] as const).map((unit) => [unit, 1] as const),
  ...(['', 's', 'sec', 'second', 'seconds'] as const).map((unit) => [unit, 1_000] as const),
  ...(['m', 'min', 'minute', 'minutes'] as const).map((unit) => [unit, 60_000] as const),
  ...(['h', 'hr', 'hour', 'hours'] as const).map((unit) => [unit, 3_600_000] as const),
]);

/**
 * Reads a time span as systemd.time(7) writes it, `90`, `1min 30s`, `500ms`, in milliseconds;
 * `infinity` is Infinity. null for what is none, and for spans in days or longer units.
 */
export function parseTimeSpanMs(text: string): number | null {
  const plain = text.trim();
  if (plain === 'infinity') return Number.POSITIVE_INFINITY;
  if (!/^(?:\d+(?:\.\d+)?\s*[a-zµ]*\s*)+$/.test(plain)) return null;
  let sumMs = 0;
  for (const [, number = '', unit = ''] of plain.matchAll(/(\d+(?:\.\d+)?)\s*([a-zµ]*)/g)) {
    const unitMs = unitsMs.get(unit);
    if (unitMs === undefined) return null;
    sumMs += Number(number) * unitMs;
  }
  return sumMs;
}
