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

  it('tells when the leader is shut down, long before its lease would expire', async () => {
    const options = ['--machines', '3', '--units', '3', '--how', 'poweroff', '--agent-ttl', '10m'];
    const ran = await fleetlab(testLabName(), ['drill', ...options], { timeoutMs: 240_000 });
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stderr).toMatch(/lease given back$/m);
    expect(ran.stdout).toMatch(/^UNIT\t+MACHINE\t+ACTIVE\t+SUB$/m);
    expect(ran.stdout).toMatch(/ was shut down: all [1-9]\d* movers active elsewhere +\d/);
    expect(ran.stdout).toMatch(/ from their stop until active elsewhere +\d/);
    expect(ran.stdout).toMatch(/ units elsewhere restarted or stopped +0$/m);
    expect(ran.stdout).toMatch(/\ndrill PASSED\n$/);
  });
});
