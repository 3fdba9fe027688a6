import { describe, expect, it } from 'vitest';
import { formatProblem, printable } from '../../../src/unitfile/problem.ts';

describe('printable', () => {
  it.each([
    ['plain é😀 "x"', 'plain é😀 "x"'],
    ['a\nb\tc\rd', 'a\\nb\\tc\\rd'],
    ['\u001b[31m\u0000\u007f\u009b', '\\x1b[31m\\x00\\x7f\\x9b'],
    ['\u202eevil\u2028\ufeff', '\\u{202e}evil\\u{2028}\\u{feff}'],
    ['\ud800', '\\u{d800}'],
  ])('makes %j harmless', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });

  it('cuts between characters, never inside one', () => {
    expect(printable('😀'.repeat(5), 3)).toBe('😀😀😀…');
    expect(printable('😀'.repeat(3), 3)).toBe('😀😀😀');
  });
});

describe('formatProblem', () => {
  it('begins with a place that an editor can jump to', () => {
    const problem = { line: 3, column: 1, text: 'ExecStart', message: 'no "="; write Name=Value' };
    expect(formatProblem('web.service', problem)).toBe(
      'web.service:3:1: "ExecStart": no "="; write Name=Value',
    );
  });
});
