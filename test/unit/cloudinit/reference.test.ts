import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { topKeys } from '../../../src/cloudinit/decode.ts';
import { fileKeys } from '../../../src/cloudinit/decode-files.ts';
import { dropInKeys, unitKeys } from '../../../src/cloudinit/decode-units.ts';
import { userKeys } from '../../../src/cloudinit/decode-users.ts';
import type { FieldType } from '../../../src/cloudinit/fields.ts';
import { cloudinitProgram } from '../../../src/cloudinit/program.ts';
import { type SectionKey, sectionKeys, sectionNames } from '../../../src/cloudinit/section-keys.ts';
import { bootFiles } from '../../../src/cloudinit/sources.ts';
import { settingParsers } from '../../../src/daemon/settings.ts';

const page = readFileSync('docs/reference/cloud-config.md', 'utf8');
/** The cells of each row by what stands in its first, without backticks. */
const rows = new Map(
  page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, key = '', type = '', becomes = '']) => [key.replaceAll('`', ''), { type, becomes }]),
);

function keysBelow(path: string, types: Readonly<Record<string, FieldType>>) {
  return Object.entries(types).map(([key, type]): [string, FieldType] => [path + key, type]);
}

const plainKeys = [
  ...keysBelow('', topKeys),
  ...keysBelow('write_files[].', fileKeys),
  ...keysBelow('users[].', userKeys),
  ...keysBelow('coreos.units[].', unitKeys),
  ...keysBelow('coreos.units[].drop_ins[].', dropInKeys),
];
const settings = sectionNames.flatMap((name) =>
  Object.entries(sectionKeys[name]).map(([key, known]): [string, SectionKey] => {
    return [`coreos.${name}.${key}`, known];
  }),
);

it('takes every setting that fleetd has', () => {
  expect(Object.keys(sectionKeys.fleet)).toEqual(
    expect.arrayContaining(Object.keys(settingParsers)),
  );
});

describe('docs/reference/cloud-config.md', () => {
  it.each(plainKeys)('has %s with its type', (key, type) => {
    const said = rows.get(key)?.type;
    expect(said === type || (key === 'manage_etc_hosts' && said === '`localhost`')).toBe(true);
  });

  it.each(settings)('has %s with its type and what it becomes', (key, { type, meaning }) => {
    const row = rows.get(key);
    expect(row?.type).toBe(type);
    const words = { variable: 'name', translated: 'to', gone: 'why', refused: 'why' } as const;
    const word = words[meaning.kind];
    expect(row?.becomes).toContain(Object.entries(meaning).find(([name]) => name === word)?.[1]);
  });

  it('has no key that there is not', () => {
    const known = new Set(['coreos.units', ...[...plainKeys, ...settings].map(([key]) => key)]);
    const options = [...rows.keys()].filter((key) => key.startsWith('--'));
    const other = [...rows.keys()].filter((key) => !known.has(key) && !options.includes(key));
    expect(other).toEqual([]);
    const flags = cloudinitProgram().options.map(({ long }) => long ?? '');
    const told = flags.filter((flag) => !/^--(version|help)$/.test(flag));
    expect(options.map((option) => option.split(' ')[0])).toEqual(told);
  });

  it('has every place where a boot looks', () => {
    for (const path of bootFiles) expect(page).toContain(`\`${path}\``);
  });
});

it('the shipped units are what systemd takes', () => {
  const text = readFileSync('units/fleet-cloudinit.service', 'utf8');
  expect(text).toContain('ExecStart=/usr/bin/fleet-cloudinit --at-boot\n');
  expect(text).toMatch(/^Before=etcd\.service fleet\.service$/m);
});
