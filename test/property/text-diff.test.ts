import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shortDiff } from '../../src/fleetctl/text-diff.ts';

const text = fc
  .array(fc.constantFrom('[Unit]', 'After=a.target', 'ExecStart=/bin/true', '', '# x'), {
    maxLength: 8,
  })
  .map((lines) => lines.join('\n'));

describe('a short diff', () => {
  it('is empty exactly for equal texts', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        expect(shortDiff(one, other).length === 0).toBe(one === other);
      }),
    );
  });

  it('takes as many lines away and puts as many in as the texts differ in length', () => {
    fc.assert(
      fc.property(text, text, (one, other) => {
        const lines = shortDiff(one, other);
        const count = (sign: string): number => lines.filter((line) => line[0] === sign).length;
        const grown = other.split('\n').length - one.split('\n').length;
        expect(count('+') - count('-')).toBe(grown);
      }),
    );
  });

  it('never throws and is short, whatever the texts are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (one, other) => {
        expect(shortDiff(one, other).length).toBeLessThanOrEqual(31);
      }),
    );
    const large = Array.from({ length: 20_000 }, (_, index) => `line ${index}`);
    const other = large.map((line) => `${line}!`);
    expect(shortDiff(large.join('\n'), other.join('\n')).at(-1)).toContain('more lines');
  });
});
