import { describe, expect, it } from 'vitest';
import {
  description,
  optionValues,
  parseUnitFile,
  serializeUnitFile,
  textFromOptions,
  unitOptions,
} from '../../../src/unitfile/unit-file.ts';
import { aUnitFile } from '../../builders/unit-file.ts';

/** The joined values of a text, as `Name=Value`. */
function values(text: string): string[] {
  const { entries } = aUnitFile(text);
  return entries.flatMap((entry) =>
    entry.kind === 'assignment' ? [`${entry.section}.${entry.name}=${entry.value}`] : [],
  );
}

describe('parseUnitFile', () => {
  it.each([
    ['trims blanks around name and value', '[A]\n  x \t=\t y z \t\n', ['A.x=y z']],
    ['keeps every "=" but the first', '[A]\nx=a=b=c\n', ['A.x=a=b=c']],
    ['keeps quotes', '[A]\nx="a b" \'c\'\n', ['A.x="a b" \'c\'']],
    [
      'takes # and ; for comments at line starts only',
      '[A]\n#x=1\n  ;y=2\nz=a # b ; c\n',
      ['A.z=a # b ; c'],
    ],
    ['reads empty assignments', '[A]\nx=\ny=  \n', ['A.x=', 'A.y=']],
    [
      'joins continued lines with a space for the backslash',
      '[A]\nx=a \\\n  b\\\nc\n',
      ['A.x=a    b c'],
    ],
    [
      'passes over comments between continued lines',
      '[A]\nx=a \\\n# no\\\n; no\n  b\n',
      ['A.x=a    b'],
    ],
    ['ends a continued line at a blank one', '[A]\nx=a \\\n\ny=b\n', ['A.x=a', 'A.y=b']],
    [
      'continues after an odd number of backslashes only',
      '[A]\nx=a\\\\\ny=b\\\\\\\nc\n',
      ['A.x=a\\\\', 'A.y=b\\\\ c'],
    ],
    [
      'does not continue when a blank follows the backslash',
      '[A]\nx=a \\ \ny=b\n',
      ['A.x=a \\', 'A.y=b'],
    ],
    ['does not continue comments', '[A]\n# x \\\ny=b\n', ['A.y=b']],
    ['takes what it has when the file ends in a backslash', '[A]\nx=a \\', ['A.x=a']],
    ['begins a value on the continuing line', '[A]\nx=\\\n  a\n', ['A.x=a']],
    [
      'reads CRLF, LFCR and CR line ends',
      '[A]\r\nx=a\\\r\nb\ry=c\n\rz=d',
      ['A.x=a b', 'A.y=c', 'A.z=d'],
    ],
    ['passes over a byte order mark', '\uFEFF[A]\nx=1\n', ['A.x=1']],
    ['takes a section up again', '[A]\nx=1\n[B]\ny=2\n[A]\nx=3\n', ['A.x=1', 'B.y=2', 'A.x=3']],
    ['needs no newline at the end', '[A]\nx=1', ['A.x=1']],
    ['takes an empty file', '', []],
    ['trims only what systemd trims', '[A]\nx=\u00a0a\u00a0\n', ['A.x=\u00a0a\u00a0']],
  ])('%s', (_, text, expected) => {
    expect(values(text)).toEqual(expected);
    expect(serializeUnitFile(aUnitFile(text))).toBe(text);
  });

  it.each([
    ['a line without "="', '[A]\nfoo bar\n', 2, 1, 'foo bar', 'no "=" in this line'],
    ['a name that is missing', '[A]\n  = x\n', 2, 3, '= x', 'no name before the "="'],
    ['a name with a blank', '[A]\nExec Start=x\n', 2, 1, 'Exec Start=x', 'a name has no spaces'],
    ['text before the first section', '# c\nx=1\n[A]\n', 2, 1, 'x=1', 'before the first section'],
    ['a header that is not closed', '[A\nx=1\n', 1, 1, '[A', 'must end with "]"'],
    ['a comment behind a header', '[A]\n[B] # c\n', 2, 1, '[B] # c', 'must end with "]"'],
    ['an empty header', '[]\n', 1, 1, '[]', 'needs a name'],
    ['a quote in a header', '[A"]\n', 1, 1, '[A"]', 'cannot contain """'],
    ['a bracket in a header', '[A]x]\n', 1, 1, '[A]x]', 'cannot contain "]"'],
    ['a NUL byte', '[A]\nx=a\0b\n', 2, 4, '\\x00', 'NUL byte'],
    ['a column behind wide characters', '[A]\nx=😀é\0\n', 2, 5, '\\x00', 'NUL byte'],
    ['a fault on a continuing line', '[A]\n\\\n   foo\n', 3, 4, 'foo', 'no "=" in this line'],
    ['escape sequences, made harmless', '[A]\n\u001b[31mred\n', 2, 1, '\\x1b[31mred', 'no "="'],
  ])('refuses %s with its place', (_, text, line, column, shown, message) => {
    const parsed = parseUnitFile(text);
    expect(parsed.ok ? [] : parsed.error).toMatchObject([{ line, column, text: shown }]);
    expect(parsed.ok ? '' : parsed.error[0]?.message).toContain(message);
  });

  it('keeps all lines of an assignment together, comments between them included', () => {
    const { entries } = aUnitFile('[A]\n# before\nx=a \\\n# inside\n  b\n\n');
    expect(entries.map(({ kind, raw }) => `${kind}: ${raw}`)).toEqual([
      'section: [A]\n',
      'comment: # before\n',
      'assignment: x=a \\\n# inside\n  b\n',
      'blank: \n',
    ]);
  });

  it('reports all problems at once, but one bad header only once', () => {
    const parsed = parseUnitFile('[A\nx=1\nfoo\n[B]\n=2\n');
    expect(parsed.ok ? [] : parsed.error.map(({ line }) => line)).toEqual([1, 3, 5]);
  });

  it('lists at most twenty problems and tells how many more there are', () => {
    const parsed = parseUnitFile('garbage\n'.repeat(500));
    expect(parsed.ok ? [] : parsed.error).toHaveLength(21);
    expect(parsed.ok ? '' : parsed.error.at(-1)?.message).toContain('and 480 more lines');
  });

  it('refuses a line that is longer than systemd reads', () => {
    const parsed = parseUnitFile(`[A]\nx=${'a'.repeat(1024 * 1024)}\n`);
    expect(parsed.ok ? '' : parsed.error[0]?.message).toContain('longer than 1048576 characters');
  });
});

describe('unitOptions and textFromOptions', () => {
  it('give the normal form of fleet 1.0: sections together, blank line between, no comments', () => {
    const text = '# c\n[B]\n\ny = 1\n[A]\nx=\n#c\n[B]\ny=2 \\\n# c\n  3\n';
    const options = unitOptions(aUnitFile(text));
    expect(options).toEqual([
      { section: 'B', name: 'y', value: '1' },
      { section: 'A', name: 'x', value: '' },
      { section: 'B', name: 'y', value: '2 \\\n  3' },
    ]);
    expect(textFromOptions(options)).toBe('[B]\ny=1\ny=2 \\\n  3\n\n[A]\nx=\n');
  });

  it('gives an empty text for no options', () => {
    expect(textFromOptions([])).toBe('');
  });

  it('keeps a value that ends in an open continuation away from the next option', () => {
    const options = unitOptions(aUnitFile('[A]\nx=1 \\\n  \n[A]\ny=2\n'));
    expect(options[0]?.value).toBe('1 \\\n');
    expect(unitOptions(aUnitFile(textFromOptions(options)))).toEqual(options);
  });
});

describe('optionValues', () => {
  const file = aUnitFile('[A]\nx=1\nx=2\ny=5\nx=\nx=3\nx=4\n[B]\nx=6\n[A]\nz=\n');

  it('forgets what stands before an empty assignment', () => {
    expect(optionValues(file, 'A', 'x')).toEqual(['3', '4']);
    expect(optionValues(file, 'A', 'z')).toEqual([]);
  });

  it('looks at one section and one name', () => {
    expect(optionValues(file, 'B', 'x')).toEqual(['6']);
    expect(optionValues(file, 'A', 'X')).toEqual([]);
  });

  it('finds the last description, or none', () => {
    expect(description(aUnitFile('[Unit]\nDescription=a\nDescription=b c\n'))).toBe('b c');
    expect(description(aUnitFile('[Unit]\nDescription=a\nDescription=\n'))).toBe('');
    expect(description(aUnitFile('[Service]\nDescription=a\n'))).toBe('');
  });
});
