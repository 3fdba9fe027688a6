import { describe, expect, it } from 'vitest';
import type { DrillResult } from '../../src/lab/drill/result.ts';
import { resultLines } from '../../src/lab/drill/result.ts';
import { fleetlab } from './fleetlab.ts';
import { testLabName } from './with-lab.ts';

/** Runs a drill that must pass, and returns what it found. */
async function drilled(...args: readonly string[]): Promise<DrillResult> {
  const options = ['--machines', '3', '-o', 'json', ...args];
  const ran = await fleetlab(testLabName(), ['drill', ...options], { timeoutMs: 240_000 });
  expect(ran).toMatchObject({ status: 0 });
  return JSON.parse(ran.stdout) as DrillResult;
}

const passed = { machines: 3, faults: [], restarted: [], waiting: expect.any(Array) };

describe('fleetlab drill', () => {
  it('passes when the leader loses its power, with etcd on this computer', async () => {
    const result = await drilled('--etcd', 'shared', '--units', '3');
    expect(result).toMatchObject({ ...passed, how: 'kill', etcd: 'shared', victimLed: true });
    const seen = result.marks.map(({ what }) => what);
    expect(seen).toEqual(expect.arrayContaining(['lease expired', 'new leader']));
    expect(result.movedCount).toBeGreaterThan(0);
    expect(result.recoveredMs).toBeGreaterThan(0);
    expect(resultLines(result).at(-1)).toBe('drill PASSED');
  });

  it('passes when the leader is shut down, long before its lease would expire', async () => {
    const result = await drilled('--how', 'poweroff', '--units', '3', '--agent-ttl', '10m');
    expect(result).toMatchObject({ ...passed, how: 'poweroff', victimLed: true });
    expect(result.marks.map(({ what }) => what)).toContain('lease given back');
    expect(result.movedCount).toBeGreaterThan(0);
    expect(result.handedOverMs).toBeGreaterThan(0);
  });
});
