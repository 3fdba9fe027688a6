import fc from 'fast-check';
import { expect, it } from 'vitest';
import { matchesGlob, parseGlob } from '../../src/unitfile/glob.ts';

/** Slow and plain: tries everything a "*" could take. For names without "/" and valid patterns. */
function slowMatch(pattern: string, name: string): boolean {
  const [head = '', ...tail] = pattern;
  const [first, ...others] = name;
  if (pattern === '') return name === '';
  if (head === '*') {
    const isEmpty = slowMatch(tail.join(''), name);
    return isEmpty || (first !== undefined && slowMatch(pattern, others.join('')));
  }
  const [, token = head] = /^(\\.|\[\^?(?:\\.|[^\]\\])+\])/su.exec(pattern) ?? [];
  const rest = pattern.slice(token.length);
  return first !== undefined && takes(token, first) && slowMatch(rest, others.join(''));
}

function takes(token: string, character: string): boolean {
  if (token === '?') return true;
  if (token.startsWith('[')) return new RegExp(`^${token}$`, 'u').test(character);
  return token.replace(/^\\/, '') === character;
}

const piece = fc.constantFrom(
  '*',
  '*',
  '?',
  'a',
  'b',
  '.',
  '[ab]',
  '[^a]',
  '[a-c.]',
  '[^.b-d]',
  '\\*',
  '\\a',
);
const patterns = fc.array(piece, { maxLength: 10 }).map((parts) => parts.join(''));
const names = fc
  .array(fc.constantFrom('a', 'b', 'c', '.', '*', 'é', '😀'), { maxLength: 10 })
  .map((parts) => parts.join(''));

it('the glob matcher says what the slow one says', () => {
  let matchCount = 0;
  fc.assert(
    fc.property(patterns, names, (pattern, name) => {
      const isMatch = slowMatch(pattern, name);
      matchCount += isMatch ? 1 : 0;
      expect(matchesGlob(pattern, name)).toBe(isMatch);
    }),
    { numRuns: 5000 },
  );
  expect(matchCount).toBeGreaterThan(100); // or the property says nothing
});

it('a name with its special characters escaped matches itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (name) => {
      const escaped = name.replace(/[*?[\\]/g, '\\$&');
      expect(matchesGlob(escaped, name)).toBe(true);
    }),
  );
});

it('no pattern makes the glob throw', () => {
  const noise = fc
    .array(fc.constantFrom('[', ']', '^', '-', '\\', '*', '?', 'a', '/'))
    .map((parts) => parts.join(''));
  fc.assert(
    fc.property(noise, noise, (pattern, name) => {
      expect(parseGlob(pattern).ok || !matchesGlob(pattern, name)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});
