const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Milliseconds of a time as people write it: `90s`, `1m30s`, `500ms`, or plain seconds (`3`, `0.5`).
 * null when it is none, or is nothing at all.
 */
export function parseDurationMs(text: string): number | null {
  if (/^\d+(\.\d+)?$/.test(text)) return positive(Number(text) * 1000);
  if (!/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) return null;
  let totalMs = 0;
  for (const [, count, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)) {
    totalMs += Number(count) * (unitsMs[unit ?? ''] ?? 0);
  }
  return positive(totalMs);
}

function positive(ms: number): number | null {
  return ms > 0 ? ms : null;
}
