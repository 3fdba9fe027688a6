import { describe, expect, it } from 'vitest';
import { matchesGlob, parseGlob } from '../../../src/unitfile/glob.ts';

describe('matchesGlob', () => {
  it.each([
    ['web.service', 'web.service'],
    ['*', ''],
    ['*', 'anything.service'],
    ['web@*.service', 'web@1.service'],
    ['web@*.service', 'web@.service'],
    ['**', 'a'],
    ['*a*b*', 'xaxxbx'],
    ['*ab', 'aab'],
    ['a?c', 'abc'],
    ['?', '😀'],
    ['[abc]x', 'bx'],
    ['[a-c]x', 'bx'],
    ['[^a-c]x', 'dx'],
    ['[!]x', '!x'],
    ['[a\\]]', ']'],
    ['[\\-x]', '-'],
    ['[a-cx-z]', 'y'],
    ['[^a]', '/'],
    ['\\*', '*'],
    ['foo\\\\x2dbar', 'foo\\x2dbar'],
    ['\\a', 'a'],
    ['{a,b}', '{a,b}'],
  ])('%s matches %s', (pattern, name) => {
    expect(matchesGlob(pattern, name)).toBe(true);
  });

  it.each([
    ['', 'a'],
    ['web', 'web.service'],
    ['eb*', 'web'],
    ['*', 'a/b'],
    ['?', '/'],
    ['?', ''],
    ['a?c', 'ac'],
    ['[abc]', 'd'],
    ['[^a-c]', 'b'],
    ['[c-a]', 'b'],
    ['[!a]', 'b'],
    ['\\*', 'a'],
    ['*a*b', 'xaxbx'],
    ['{a,b}', 'a'],
    ['A', 'a'],
  ])('%s does not match %s', (pattern, name) => {
    expect(matchesGlob(pattern, name)).toBe(false);
  });

  it.each(['[', '[a', '[]', '[]a]', '[^]', '[-a]', '[a-]', '[a-', 'a\\', '[\\', '[a-\\', 'x[^'])(
    '%s is malformed, as in Go: it matches nothing, and parseGlob says so',
    (pattern) => {
      expect(matchesGlob(pattern, pattern)).toBe(false);
      const parsed = parseGlob(pattern);
      expect(parsed.ok ? '' : parsed.error).toContain('is malformed');
    },
  );

  it('answers the same after the cache was emptied', () => {
    for (let index = 0; index < 5000; index += 1) matchesGlob(`a${index}*`, 'a');
    expect(matchesGlob('a1*', 'a12')).toBe(true);
    expect(matchesGlob('a1*', 'b12')).toBe(false);
  });

  it('needs no more than pattern length times name length steps', () => {
    // One that goes back to every "*" would not end in the lifetime of the universe.
    expect(matchesGlob(`${'*a'.repeat(100)}b`, 'a'.repeat(255))).toBe(false);
  });
});
