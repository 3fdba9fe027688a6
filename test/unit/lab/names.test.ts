import { describe, expect, it } from 'vitest';
import {
  hardwareAddress,
  isOfLab,
  labLimits,
  linkOf,
  machineAddress,
  parseLabName,
  parseMachineName,
} from '../../../src/lab/names.ts';

describe('names of a lab', () => {
  it('never takes the things of lab 12 for those of lab 1', () => {
    expect(isOfLab(1, 'flab1')).toBe(true);
    expect(isOfLab(1, 'flab1-m2')).toBe(true);
    expect(isOfLab(1, 'flab12')).toBe(false);
    expect(isOfLab(1, 'flab12-m1')).toBe(false);
    expect(isOfLab(1, 'eth0')).toBe(false);
  });

  it('fit into the 15 characters that Linux gives the name of a link', () => {
    const longest = linkOf(labLimits.labCountMax - 1, labLimits.machineCountMax);
    expect(longest.length).toBeLessThanOrEqual(15);
  });

  it('give no two machines of any two labs one address', () => {
    const all = [0, 1, labLimits.labCountMax - 1].flatMap((lab) =>
      [1, 2, labLimits.machineCountMax].flatMap((machine) => [
        machineAddress(lab, machine),
        hardwareAddress(lab, machine),
      ]),
    );
    expect(new Set(all).size).toBe(all.length);
    expect(all).toContain('10.88.0.11');
  });

  it('are read strictly', () => {
    expect(parseMachineName('m7')).toEqual({ ok: true, value: 7 });
    for (const text of ['m0', 'm51', 'M1', 'm', 'm01', 'machine', 'm1 ']) {
      expect([text, parseMachineName(text).ok]).toEqual([text, false]);
    }
    for (const text of ['lab', 'test-42']) expect(parseLabName(text).ok).toBe(true);
    for (const text of ['', '..', 'a/b', 'Lab', '-a', 'a'.repeat(40)]) {
      expect([text, parseLabName(text).ok]).toEqual([text, false]);
    }
  });
});
