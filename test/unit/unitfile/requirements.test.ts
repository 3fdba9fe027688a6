import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readRequirements } from '../../../src/unitfile/requirements.ts';
import { aUnitFile, aUnitName } from '../../builders/unit-file.ts';

const id = '0123456789abcdef0123456789abcdef';

/** What `[X-Fleet]` with these lines asks for; a failed reading shows its problems. */
function asked(lines: string, name = 'web@1.service'): unknown {
  const read = readRequirements(aUnitFile(`[X-Fleet]\n${lines}\n`), aUnitName(name));
  return read.ok ? read.value.requirements : read.error;
}

/** `line:column message` of each problem. The header is line 1. */
function problems(lines: string, name = 'web@1.service'): string[] {
  const read = readRequirements(aUnitFile(`[X-Fleet]\n${lines}\n`), aUnitName(name));
  return read.ok
    ? []
    : read.error.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('readRequirements', () => {
  it('asks for nothing without [X-Fleet]', () => {
    expect(asked('')).toEqual({
      machineId: null,
      machineOf: [],
      metadata: [],
      conflicts: [],
      replaces: [],
      global: false,
    });
  });

  it.each([
    ['MachineID', `MachineID=${id}`, { machineId: id }],
    ['the first eight characters of an id', 'MachineID=01234567', { machineId: '01234567' }],
    ['an id in capitals', `MachineID=${id.toUpperCase()}`, { machineId: id }],
    ['X-ConditionMachineID', `X-ConditionMachineID=${id}`, { machineId: id }],
    ['X-ConditionMachineBootID', `X-ConditionMachineBootID=${id}`, { machineId: id }],
    ['MachineOf', 'MachineOf=a.service', { machineOf: ['a.service'] }],
    ['X-ConditionMachineOf', 'X-ConditionMachineOf=a.service', { machineOf: ['a.service'] }],
    ['an escaped target', 'MachineOf=a\\x2db.service', { machineOf: ['a\\x2db.service'] }],
    [
      'several targets, sorted, once each',
      'MachineOf=b.service a.service\nX-ConditionMachineOf=b.service',
      { machineOf: ['a.service', 'b.service'] },
    ],
    ['Conflicts', 'Conflicts=web@*.service', { conflicts: ['web@*.service'] }],
    ['X-Conflicts', 'X-Conflicts=web@*.service', { conflicts: ['web@*.service'] }],
    [
      'lists over words and lines',
      'Conflicts=b* a?\nX-Conflicts="c" \\\n  b*',
      { conflicts: ['a?', 'b*', 'c'] },
    ],
    ['Replaces', 'Replaces=old.service', { replaces: ['old.service'] }],
    ['the last Global', 'Global=no\nGlobal=true', { global: true }],
    ['the last Global, if false', 'Global=true\nGlobal=false', { global: false }],
    ['an empty Global', 'Global=true\nGlobal=', { global: false }],
    ['a list that is begun anew', 'Conflicts=a\nX-Conflicts=\nConflicts=b', { conflicts: ['b'] }],
    ['an id that is taken back', `MachineID=${id}\nMachineID=\nConflicts=a`, { machineId: null }],
    [
      'MachineID over the deprecated spellings',
      `X-ConditionMachineBootID=${'f'.repeat(32)}\nMachineID=${id}`,
      { machineId: id },
    ],
    ['the same id twice', `MachineID=${id}\nMachineID=${id.toUpperCase()}`, { machineId: id }],
  ])('understands %s', (_, lines, expected) => {
    expect(asked(lines)).toMatchObject(expected);
  });

  it.each(['1', 'yes', 'y', 'true', 't', 'on', 'TRUE', 'Yes'])(
    'takes Global=%s for yes',
    (word) => {
      expect(asked(`Global=${word}`)).toMatchObject({ global: true });
    },
  );

  it.each(['0', 'no', 'n', 'false', 'f', 'off', 'OFF'])('takes Global=%s for no', (word) => {
    expect(asked(`Global=${word}`)).toMatchObject({ global: false });
  });

  it.each([
    ['a=b', [['a', ['b']]]],
    [
      '"a=b" "c=d"',
      [
        ['a', ['b']],
        ['c', ['d']],
      ],
    ],
    [
      'a=b c=d',
      [
        ['a', ['b']],
        ['c', ['d']],
      ],
    ],
    ['"region=us east"', [['region', ['us east']]]],
    ['region=us east', [['region', ['us east']]]],
    ['"a=b"\nMachineMetadata=a=a\nX-ConditionMachineMetadata=a=b', [['a', ['a', 'b']]]],
    [
      'z=1\nMachineMetadata=a=%i',
      [
        ['a', ['1']],
        ['z', ['1']],
      ],
    ],
    ['a=b\nMachineMetadata=\nMachineMetadata=c=d', [['c', ['d']]]],
    ['"a=\\x41"', [['a', ['A']]]],
    ['a=\\x41', [['a', ['\\x41']]]],
  ])('reads MachineMetadata=%j: same key is OR, other keys are AND', (value, expected) => {
    const metadata = expected.map(([key, values]) => ({ key, values }));
    expect(asked(`MachineMetadata=${value}`)).toMatchObject({ metadata });
  });

  it('replaces specifiers in every option', () => {
    const lines = 'MachineOf=db@%i.service %p.socket\nConflicts=%N-x.service %%\n';
    expect(asked(lines)).toMatchObject({
      machineOf: ['db@1.service', 'web.socket'],
      conflicts: ['%', 'web@1-x.service'],
    });
  });

  it('takes a backslash of the instance literally inside a glob', () => {
    expect(asked('Conflicts=db@%i.*', 'web@a\\x2d.service')).toMatchObject({
      conflicts: ['db@a\\\\x2d.*'],
    });
  });

  it.each([
    ['a bad id', 'MachineID=abc', '2:11 a machine id has 32 hex digits'],
    ['an id of nine characters', 'MachineID=012345678', '2:11 a machine id has 32 hex digits'],
    ['a target without a type', 'MachineOf=web', '2:11 unit name "web" has no type'],
    [
      'a template as target',
      'MachineOf=db@.service',
      '2:11 a template never runs; name an instance',
    ],
    ['a pair without "="', 'MachineMetadata=b=c d a=b', '2:21 not KEY=VALUE'],
    ['a pair without a value', 'MachineMetadata="a=b" "c="', '2:23 not KEY=VALUE'],
    ['a pair with two "="', 'MachineMetadata=a=b=c', '2:17 not KEY=VALUE'],
    ['a malformed glob', 'Conflicts=a [b', '2:13 glob "[b" is malformed'],
    [
      'a malformed glob on a continuing line',
      'Replaces=a \\\n#\n  [b',
      '4:3 glob "[b" is malformed',
    ],
    ['a boolean that is none', 'Global=maybe', '2:8 not a boolean'],
    ['an open quote', 'Conflicts=a "b', '2:13 this quote is not closed'],
    ['an unknown specifier', 'Conflicts=a %H', '2:13 specifier "%H" is not known'],
    [
      'two machines',
      `MachineID=${id}\nMachineID=abcdef01`,
      `3:11 line 2 already asks for machine ${id}`,
    ],
    ['too many values', `Conflicts=${'a '.repeat(300)}`, '2:523 more than 256 values'],
  ])('refuses %s with its place', (_, lines, problem) => {
    expect(problems(lines)).toEqual([expect.stringContaining(problem)]);
  });

  it.each(['MachineID=\ud800\nMachineID=ab\u0001', 'MachineOf=\u202e\ud800\nConflicts=*'])(
    'quotes what a terminal must not see in a form that it may: %j',
    (lines) => {
      const told = problems(lines);
      expect(told.length).toBeGreaterThanOrEqual(2);
      for (const words of told) expect(words).toMatch(/^[^\p{C}]+$/u);
    },
  );

  it.each([
    [
      `MachineID=${id}\nMachineOf=a.service`,
      'MachineOf= (line 3) cannot be combined with MachineID= (line 2)',
    ],
    [
      `MachineID=${id}\nConflicts=a`,
      'Conflicts= (line 3) cannot be combined with MachineID= (line 2)',
    ],
    [`Global=yes\nMachineID=${id}`, 'MachineID= (line 3) cannot be combined with Global= (line 2)'],
    [
      `X-ConditionMachineID=${id}\nReplaces=a`,
      'Replaces= (line 3) cannot be combined with X-ConditionMachineID= (line 2)',
    ],
    [
      'Global=yes\nMachineOf=a.service',
      'MachineOf= (line 3) cannot be combined with Global= (line 2)',
    ],
    ['Global=yes\nReplaces=a', 'Replaces= (line 3) cannot be combined with Global= (line 2)'],
    [
      'X-Conflicts=a\nReplaces=b',
      'Replaces= (line 3) cannot be combined with X-Conflicts= (line 2)',
    ],
    [
      'Conflicts=a*\nMachineOf=ab.service',
      'Conflicts= (line 2) matches ab.service, whose machine MachineOf= (line 3) asks for',
    ],
    [
      'MachineOf=ab.service\nReplaces=a*',
      'Replaces= (line 3) matches ab.service, whose machine MachineOf= (line 2) asks for',
    ],
    ['MachineOf=%n', 'MachineOf= (line 2) names the unit itself'],
    ['Replaces=web@*', 'Replaces= (line 2) matches the unit itself'],
  ])('refuses the combination %j and names both', (lines, problem) => {
    expect(problems(lines)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    'Global=yes\nConflicts=a',
    'Global=yes\nMachineMetadata=a=b',
    'Global=no\nReplaces=a',
    `MachineID=${id}\nGlobal=off`,
    `MachineID=${id}\nMachineMetadata=a=b`,
    'MachineOf=a.service\nConflicts=b*\nMachineMetadata=a=b',
    'MachineOf=a.service\nReplaces=b*',
    'Conflicts=web@*.service',
  ])('allows %j together', (lines) => {
    expect(problems(lines)).toEqual([]);
  });

  it('reports every problem in the order of the file', () => {
    const lines = 'Conflicts=[a %Z\nMachineID=x\nMachineMetadata=q';
    expect(problems(lines).map((problem) => problem.split(' ')[0])).toEqual([
      '2:11',
      '2:14',
      '3:11',
      '3:11', // MachineID with Conflicts
      '4:17',
    ]);
  });
});

describe('readRequirements of a template', () => {
  it('keeps what does not depend on the instance', () => {
    const lines =
      'Conflicts=%p@*.service x-%i\nMachineMetadata="disk=%i" "zone=a"\nMachineOf=db@%i.service';
    expect(asked(lines, 'web@.service')).toMatchObject({
      conflicts: ['web@*.service'],
      metadata: [{ key: 'zone', values: ['a'] }],
      machineOf: [],
    });
  });

  it.each([
    ['MachineOf=db@%i', 'has no type'],
    ['MachineOf=%n', 'names the unit itself'],
    ['Replaces=web@*', 'matches the unit itself'],
    ['Conflicts=%H', 'specifier "%H" is not known'],
    ['Global=yes\nMachineOf=db@%i.service', 'cannot be combined'],
  ])('still refuses %j', (lines, problem) => {
    expect(problems(lines, 'web@.service')).toEqual([expect.stringContaining(problem)]);
  });
});

describe('warnings', () => {
  const warnings = (text: string): readonly string[] => {
    const read = readRequirements(aUnitFile(text), aUnitName('web.service'));
    return read.ok ? read.value.warnings : [];
  };

  it.each([
    [
      'Conflict=a',
      'line 2: Conflict= in [X-Fleet] is not known and ignored; did you mean Conflicts=?',
    ],
    [
      'machineof=a',
      'line 2: machineof= in [X-Fleet] is not known and ignored; did you mean MachineOf=?',
    ],
    [
      'X-Conflict=a',
      'line 2: X-Conflict= in [X-Fleet] is not known and ignored; did you mean X-Conflicts=?',
    ],
    ['OnReboot=stop', 'line 2: OnReboot= in [X-Fleet] is not known and ignored'],
  ])('name the unknown option of %j', (lines, warning) => {
    expect(warnings(`[X-Fleet]\n${lines}\n`)).toEqual([warning]);
  });

  it('name a section that is almost [X-Fleet]', () => {
    expect(warnings('[Service]\nA=b\n[XFleet]\nConflicts=a\n')).toEqual([
      'line 3: section [XFleet] is ignored; did you mean [X-Fleet]?',
    ]);
  });

  it('are few, however long the file', () => {
    expect(warnings(`[X-Fleet]\n${'Foo=1\n'.repeat(100)}`)).toHaveLength(21);
  });

  it('are absent when nothing is odd', () => {
    expect(warnings('[Service]\nFoo=1\n[X-Fleet]\nGlobal=true\n[X-Other]\nConflict=1\n')).toEqual(
      [],
    );
  });
});

it.each([
  'web@.service',
  'announce@.service',
  'worker@.service',
  'ledger.service',
  'node-watch.service',
])('the example %s asks for what can be had', (name) => {
  const file = aUnitFile(readFileSync(`units/examples/${name}`, 'utf8'));
  const read = readRequirements(file, aUnitName(name));
  expect(read).toMatchObject({ ok: true, value: { warnings: [] } });
});
