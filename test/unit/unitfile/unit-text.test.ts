import { describe, expect, it } from 'vitest';
import { unitFileFromOptions } from '../../../src/unitfile/file-from-options.ts';
import { serializeUnitFile } from '../../../src/unitfile/unit-file.ts';
import { checkUnitText } from '../../../src/unitfile/unit-text.ts';

describe('checkUnitText', () => {
  it.each(['', '[A]\nx=1\n', '\uFEFF[A]\r\n', 'x=\uFFFD', 'é😀'])('gives %j back', (text) => {
    expect(checkUnitText(text)).toEqual({ ok: true, value: text });
    expect(checkUnitText(Buffer.from(text))).toEqual({ ok: true, value: text });
  });

  it.each([
    ['bytes that are no UTF-8', Buffer.from([0x61, 10, 0x62, 0xff, 0x63]), 2, 2, 'not valid UTF-8'],
    ['a character cut off at the end', Buffer.from([0x61, 0xc3]), 1, 2, 'not valid UTF-8'],
    [
      'bad bytes behind a true U+FFFD',
      Buffer.from([0xef, 0xbf, 0xbd, 0xff]),
      1,
      2,
      'not valid UTF-8',
    ],
    ['half a surrogate pair', 'a\r\nb\ud800c', 2, 2, 'not valid UTF-8'],
    ['a NUL byte', 'a\nbc\0', 2, 3, 'NUL byte'],
    [
      'a file that is too large',
      'é'.repeat(32 * 1024 + 1),
      1,
      1,
      '65538 bytes and a unit file may have 65536',
    ],
  ])('refuses %s with its place', (_, input, line, column, message) => {
    const checked = checkUnitText(input);
    expect(checked.ok ? {} : checked.error).toMatchObject({ line, column });
    expect(checked.ok ? '' : checked.error.message).toContain(message);
  });

  it('takes exactly 64 KiB', () => {
    expect(checkUnitText('a'.repeat(64 * 1024)).ok).toBe(true);
  });

  it('says one short, printable thing about a mebibyte of garbage', () => {
    const garbage = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 7919) % 256);
    const checked = checkUnitText(garbage);
    expect(checked.ok ? '' : checked.error.text).toMatch(/^[^\p{C}]{1,400}$/u);
    expect(checked.ok ? '' : checked.error.message).toContain('1048576 bytes');
  });
});

describe('unitFileFromOptions', () => {
  const option = (name: string, value: string, section = 'Service') => ({ section, name, value });

  it('makes the normal form', () => {
    const file = unitFileFromOptions([
      option('ExecStart', '/bin/a \\\n  b'),
      option('After', 'x.service', 'Unit'),
      option('ExecStart', ''),
    ]);
    expect(file.ok && serializeUnitFile(file.value)).toBe(
      '[Service]\nExecStart=/bin/a \\\n  b\nExecStart=\n\n[Unit]\nAfter=x.service\n',
    );
  });

  it.each([
    ['a value with a bare newline', option('A', 'x\nB=y')],
    ['a value with a header in it', option('A', 'x\n[Unit]')],
    ['a value that swallows the next option', option('A', 'x \\')],
    ['a value with blanks at its ends', option('A', ' x ')],
    ['a name with an "="', option('A=B', 'x')],
    ['a name that is a comment', option('#A', 'x')],
    ['an empty name', option('', 'x')],
    ['a section with a bracket', option('A', 'x', 'Unit]')],
    ['a NUL byte', option('A', 'x\0')],
    ['a comment on a continued line', option('A', 'x \\\n# y')],
  ])('refuses %s', (_, odd) => {
    expect(unitFileFromOptions([odd, option('Z', 'z')]).ok).toBe(false);
  });
});
