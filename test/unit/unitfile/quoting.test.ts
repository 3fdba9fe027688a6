import { describe, expect, it } from 'vitest';
import { splitWords } from '../../../src/unitfile/quoting.ts';

/** The words of a value; a string when it is refused. */
function words(value: string, escapes: 'decode' | 'keep'): readonly string[] | string {
  const split = splitWords(value, escapes);
  return split.ok ? split.value.map(({ text }) => text) : split.error.message;
}

describe('splitWords', () => {
  it.each([
    ['', []],
    ['  \t ', []],
    ['a', ['a']],
    ['  a\tb  c ', ['a', 'b', 'c']],
    ['"a b" c', ['a b', 'c']],
    ['\'a b\'"c d"e f', ['a bc de', 'f']],
    ['a"b c"d', ['ab cd']],
    ['""', ['']],
    ['"" a', ['', 'a']],
    ['"it\'s" \'say "x"\'', ["it's", 'say "x"']],
    ['é😀 ü', ['é😀', 'ü']],
  ])('splits %j, whatever a backslash means', (value, expected) => {
    expect(words(value, 'decode')).toEqual(expected);
    expect(words(value, 'keep')).toEqual(expected);
  });

  it.each([
    ['a\\x20b', ['a b']],
    ['a\\ b', ['a\\ b']],
    ['"a\\"b"', ['a"b']],
    ["'a\\'b'", ["a'b"]],
    ['\\a\\b\\f\\n\\r\\t\\v\\s\\\\', ['\x07\b\f\n\r\t\v \\']],
    ['\\101\\x41\\u0041\\U00000041', ['AAAA']],
    ['\\u20ac\\U0001f600', ['€😀']],
    ['\\xc3\\xa9 \\303\\251', ['é', 'é']],
    ['\\q', ['\\q']],
    ['\\x4', ['\\x4']],
    ['\\x00', ['\\x00']],
    ['\\400', ['\\400']],
    ['\\ud800', ['\\ud800']],
    ['\\U00110000', ['\\U00110000']],
    ['\\X41 \\U0041', ['\\X41', '\\U0041']],
    ['a\\', ['a\\']],
  ])('decodes the C escapes of %j and keeps what is none', (value, expected) => {
    expect(words(value, 'decode')).toEqual(expected);
  });

  it.each([
    ['foo\\x2dbar.service web\\*', ['foo\\x2dbar.service', 'web\\*']],
    ['"a\\" b', ['a\\', 'b']],
    ['a\\', ['a\\']],
  ])('keeps the backslashes of %j when they mean nothing', (value, expected) => {
    expect(words(value, 'keep')).toEqual(expected);
  });

  it.each([
    ['a "b c', 2, 'add a "'],
    ["'", 0, "add a '"],
    ['"a\\"', 0, 'add a "'],
  ])('refuses the open quote of %j and says where it opens', (value, offset, message) => {
    const split = splitWords(value, 'decode');
    expect(split.ok ? {} : split.error).toMatchObject({ offset });
    expect(split.ok ? '' : split.error.message).toContain(message);
  });

  it('refuses bytes that are no UTF-8', () => {
    expect(words('a \\xff', 'decode')).toContain('valid UTF-8');
  });

  it('says where each word begins', () => {
    const split = splitWords(' a  "b c" d', 'decode');
    expect(split.ok && split.value.map(({ offset }) => offset)).toEqual([1, 4, 10]);
  });
});
