import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { RunResult } from '../../bench/result.ts';
import { run } from '../../src/lab/run.ts';
import { prepareCheckout } from './fleetlab.ts';

const program = fileURLToPath(new URL('../../bench/run.ts', import.meta.url));

describe('every part of the benchmarks', () => {
  it('measures what it says, at a small size', async () => {
    await prepareCheckout();
    const ran = await run([process.execPath, program, '--small', '-o', 'json'], {
      timeoutMs: 280_000,
    });
    expect(ran.status, ran.stderr).toBe(0);
    const { parts } = JSON.parse(ran.stdout) as RunResult;
    expect(parts.length).toBeGreaterThan(1);
    const figures = parts.flatMap(({ part, rows }) => [
      ...rows.map(({ what, value }) => ({ figure: `${part}: ${what}`, value })),
      ...rows.flatMap(({ what, beside }) =>
        beside === null ? [] : [{ figure: `${part}: beside ${what}`, value: beside.value }],
      ),
    ]);
    const silent = parts.filter(({ rows }) => rows.length === 0).map(({ part }) => part);
    expect(silent).toEqual([]);
    // NaN and infinity are null in JSON. A figure may be 0: a short look at what costs nothing.
    expect(figures.filter(({ value }) => typeof value !== 'number' || value < 0)).toEqual([]);
  });
});
