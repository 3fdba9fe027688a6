import fc from 'fast-check';

/** Short texts of what means something to the parser. */
export const lineNoise: fc.Arbitrary<string> = fc
  .array(
    fc.constantFrom(
      ...[
        '\n',
        '\r',
        '\r\n',
        '\\',
        '\\\n',
        '=',
        '[',
        ']',
        '#',
        ';',
        '"',
        "'",
        ' ',
        '\t',
        '%',
        '%i',
      ],
      ...['[X-Fleet]\n', '[Unit]\n', 'Conflicts=', 'MachineOf=', 'MachineMetadata=', 'Global='],
      ...['MachineID=', 'Replaces=', 'a', 'b.service', '*', '\0', '\uFEFF', 'é', '😀', '\ud800'],
    ),
    { maxLength: 30 },
  )
  .map((parts) => parts.join(''));

const blank = fc.constantFrom('', ' ', '\t', '  ');
const lineEnd = fc.constantFrom('\n', '\n', '\n', '\r\n');
const word = fc.constantFrom(
  'a',
  '/bin/x',
  '"q q"',
  "'",
  'k=v',
  '%i',
  'é😀',
  '\\\\',
  '\\x20',
  '[',
  '#',
);
const comment = fc.constantFrom('# c', ' ; c \\', '#', ';[x');
const name = fc.constantFrom('A', 'ExecStart', 'X-y', 'After');
const section = fc.constantFrom('Unit', 'Service', 'X-Fleet', 'A b');

/** A value on one or several lines, each broken by a backslash, comments in between. */
const value = fc
  .array(fc.tuple(word, blank, fc.constantFrom(0, 0, 0, 1, 2), lineEnd, comment), { maxLength: 5 })
  .map((parts) =>
    parts
      .map(([text, space, breaks, end, note]) => {
        if (breaks === 0) return `${text} ${space}`;
        return breaks === 1 ? `${text}${space}\\${end}z` : `${text}\\${end}${note}${end}${space}z`;
      })
      .join(''),
  );

const assignment = fc
  .tuple(blank, name, blank, blank, value)
  .map(([before, key, left, right, text]) => `${before}${key}${left}=${right}${text}`);

const line = fc.oneof(
  { weight: 5, arbitrary: assignment },
  { weight: 1, arbitrary: comment },
  { weight: 1, arbitrary: blank },
  { weight: 1, arbitrary: section.map((text) => ` [${text}] `) },
);

/** A valid unit file in all its uglier forms. */
export const anyUnitText: fc.Arbitrary<string> = fc
  .tuple(
    fc.constantFrom('', '', '\uFEFF'),
    section,
    fc.array(fc.tuple(line, lineEnd), { maxLength: 12 }),
    fc.constantFrom('', 'Z=end', 'Z=end \\', 'Z=end \\\n', 'Z=\\\n  \n'),
  )
  .map(([mark, first, lines, end]) => {
    const body = lines.map(([text, ending]) => text + ending).join('');
    return `${mark}[${first}]\n${body}${end}`;
  });
