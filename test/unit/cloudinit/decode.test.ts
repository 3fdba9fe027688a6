import { describe, expect, it } from 'vitest';
import { decodeCloudConfig } from '../../../src/cloudinit/decode.ts';

function decode(...lines: readonly string[]) {
  const { config, problems } = decodeCloudConfig(['#cloud-config', ...lines].join('\n'));
  expect(problems).toEqual([]);
  return config;
}

function problemsIn(...lines: readonly string[]): readonly string[] {
  const { problems } = decodeCloudConfig(['#cloud-config', ...lines].join('\n'));
  return problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
}

describe('YAML 1.1, as the dialect is written', () => {
  it.each([
    ['reboot-strategy: off', 'off'],
    ['reboot_strategy: "off"', 'off'],
    ["reboot-strategy: 'etcd-lock'", 'etcd-lock'],
    ['reboot-strategy: !!str reboot', 'reboot'],
  ])('%s is the word %s', (line, value) => {
    const [setting] = decode('coreos:', '  update:', `    ${line}`).sections.update;
    expect(setting?.value).toBe(value);
  });

  it.each([
    ['yes', 'true'],
    ['on', 'true'],
    ['False', 'false'],
  ])('%s is %s where truth is wanted', (word, value) => {
    const { fleet } = decode('coreos:', '  fleet:', `    disable-engine: ${word}`).sections;
    expect(fleet).toEqual([{ key: 'disable_engine', value, line: 4, column: 21 }]);
  });

  it.each([
    ['0644', 0o644],
    ['"0755"', 0o755],
    ['600', 0o600],
    ['01777', 0o1777],
  ])('permissions %s are octal', (text, mode) => {
    const { files } = decode('write_files:', '- path: /x', `  permissions: ${text}`);
    expect(files[0]?.mode).toBe(mode);
  });

  it('anchors and merged maps are followed', () => {
    const config = decode(
      'write_files:',
      '- &first',
      '  path: /a',
      '  content: &text hello',
      '- <<: *first',
      '  path: /b',
      '- {path: /c, content: *text}',
    );
    const files = config.files.map(({ path, content }) => `${path} ${content.toString()}`);
    expect(files).toEqual(['/a hello', '/b hello', '/c hello']);
  });

  it('a number, a date and a version are the text that they were', () => {
    const { oem } = decode('coreos:', '  oem:', '    id: 007', '    version-id: 1.10').sections;
    expect(oem.map(({ value }) => value)).toEqual(['007', '1.10']);
  });
});

describe('a config in which something is missing', () => {
  it('asks for nothing where a key has no value', () => {
    const config = decode('hostname:', 'users:', 'coreos:', '  units:', '  etcd2:', '    name: ""');
    expect(config).toMatchObject({ hostname: null, users: [], units: [] });
    expect(config.sections.etcd2).toEqual([]);
  });

  it('is empty where there is nothing at all', () => {
    expect(decode()).toEqual(decode('---', '{}'));
  });
});

describe('what is wrong is told where it stands', () => {
  it.each([
    ['a list instead of a map', ['- x'], '2:1 the file is a map'],
    ['a key twice, in both spellings', ['write-files: []', 'write_files: []'], '3:1 "write_files"'],
    [
      'a key twice, in one',
      ['hostname: a', 'hostname: b'],
      '3:1 not YAML: Map keys must be unique',
    ],
    ['a key that is a list', ['? [a, b]', ': c'], '2:3 a key is a word'],
    ['an alias of nothing', ['hostname: *nobody'], '2:11 *nobody has no &nobody'],
    ['two documents', ['hostname: a', '---', 'hostname: b'], '3:1 not YAML: '],
    ['an item that is none', ['users:', '-', '- name: a'], '3:2 users is a list of maps'],
    ['a hostname of a list', ['hostname: [a]'], '2:11 hostname is a text, not this list'],
    ['a fraction', ['coreos: {fleet: {verbosity: 1.5}}'], '2:29 coreos.fleet.verbosity is a whole'],
    ['a key', ['ssh_authorized_keys:', '- nokey'], '3:3 "nokey" is no public key'],
    [
      'a unit file within quotes, whose lines are not known',
      ['coreos:', '  units:', '  - name: a.service', '    content: "[Service\\nX=1"'],
      '5:14 a.service:1:1: "[Service"',
    ],
    [
      'a unit file in a block that begins with empty lines',
      ['coreos:', '  units:', '  - name: a.service', '    content: |', '', '', '      oops'],
      '8:7 a.service: "oops"',
    ],
    [
      'an unknown key of a prototype',
      ['coreos: {fleet: {constructor: x}}'],
      '2:18 coreos.fleet.constructor is not a key',
    ],
  ])('%s', (_title, lines, begin) => {
    const told = problemsIn(...lines);
    expect(told).toContainEqual(expect.stringContaining(begin));
    expect(told.filter((line) => line.startsWith(begin))).toHaveLength(1);
  });

  it('and all at once', () => {
    expect(problemsIn('hostname: "-"', 'manage_etc_hosts: x', 'users: 1')).toHaveLength(3);
  });
});
