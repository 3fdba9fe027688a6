import { describe, expect, it } from 'vitest';
import { parseDiskSize, parseSpan } from '../../../src/lab/commands/words.ts';
import { cutRules } from '../../../src/lab/faults/cut.ts';
import { faults } from '../../../src/lab/faults/fault-list.ts';
import type { CutDirection, CutFrom } from '../../../src/lab/record.ts';

const computer = '10.88.0.1';

function rules(from: CutFrom, direction: CutDirection, isRefused: boolean): readonly string[] {
  const lines = cutRules({ from, direction, isRefused }, computer).split('\n');
  return lines.filter((line) => / (accept|drop|reject\b.*)$/.test(line));
}

describe('the rules of a cut', () => {
  it('drop in both directions what passes the link to the others', () => {
    expect(rules('all', 'both', false)).toEqual(['iifname "eth0" drop', 'oifname "eth0" drop']);
  });

  it('touch one direction only when one is named', () => {
    expect(rules('all', 'in', false)).toEqual(['iifname "eth0" drop']);
    expect(rules('all', 'out', false)).toEqual(['oifname "eth0" drop']);
  });

  it('let the resets pass that a refusal consists of, in the other direction too', () => {
    const lines = rules('all', 'in', true);
    expect(lines.filter((line) => line.endsWith('rst accept'))).toHaveLength(2);
    expect(lines).toContain('iifname "eth0" meta l4proto tcp reject with tcp reset');
  });

  it('cut a client of etcd off, the own member included, and not what members say', () => {
    expect(rules('etcd', 'both', false)).toEqual(['tcp sport 2379 drop', 'tcp dport 2379 drop']);
  });

  it('let etcd and this computer through when only the machines are meant', () => {
    const passed = rules('machines', 'out', false).filter((line) => line.endsWith('accept'));
    expect(passed).toEqual([
      `oifname "eth0" ip daddr ${computer} accept`,
      'oifname "eth0" tcp dport 2379 accept',
      'oifname "eth0" tcp sport 2379 accept',
    ]);
  });

  it('replace the rules of an earlier cut', () => {
    const text = cutRules({ from: 'all', direction: 'both', isRefused: false }, computer);
    expect(text.startsWith('add table inet flotilla_lab\ndelete table inet flotilla_lab\n')).toBe(
      true,
    );
  });
});

describe('the faults of a machine', () => {
  it('have names of their own, and say in one line what they do', () => {
    expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
    expect(faults.filter(({ about }) => about.length > 90)).toEqual([]);
  });

  it('that outlast a power cut can be healed', () => {
    expect(faults.filter(({ isOnDisk, heal }) => isOnDisk === true && heal === null)).toEqual([]);
  });
});

describe('words of the command line', () => {
  it('name a disk that a machine fits on', () => {
    for (const text of ['512M', '768M', '1G', '20G']) expect(parseDiskSize(text)).toBe(text);
    for (const text of ['', '100M', '768', '0G', '1T', '-1G', '768m']) {
      expect(() => parseDiskSize(text), text).toThrow('512M or more');
    }
  });

  it('name a time', () => {
    expect([parseSpan('20s'), parseSpan('2m')]).toEqual([20_000, 120_000]);
    for (const text of ['', '0s', '11m', '20', '1h']) expect(() => parseSpan(text)).toThrow('1s');
  });
});
