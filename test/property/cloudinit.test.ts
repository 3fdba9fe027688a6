import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withKeys } from '../../src/cloudinit/authorized-keys.ts';
import { decodeContent } from '../../src/cloudinit/content-encoding.ts';
import { decodeCloudConfig } from '../../src/cloudinit/decode.ts';
import { withOwnName } from '../../src/cloudinit/hosts-file.ts';
import type { Machine } from '../../src/cloudinit/machine.ts';
import { planCloudConfig } from '../../src/cloudinit/plan.ts';
import { sectionNames } from '../../src/cloudinit/section-keys.ts';
import { readUserData } from '../../src/cloudinit/user-data.ts';
import { environmentDropIn, withVariables } from '../../src/cloudinit/variable-file.ts';
import { readTree } from '../../src/cloudinit/yaml-tree.ts';
import { splitWords } from '../../src/unitfile/quoting.ts';
import { optionValues, parseUnitFile } from '../../src/unitfile/unit-file.ts';

const machine: Machine = {
  unitFiles: new Set(['etcd.service', 'fleet.service']),
  users: new Map([['root', { name: 'root', home: '/root' }]]),
  groups: new Set(['root', 'sudo']),
  passwordHashes: new Map(),
  hostname: 'here',
  texts: new Map(),
};
const circumstances = { machine, addresses: {}, keyName: 'k', isWithinBoot: false };

/** Whatever a text is, it is understood or refused, and then planned or refused. */
function decodeAndPlan(text: string): void {
  const { config, problems } = decodeCloudConfig(text);
  const lineCount = text.split('\n').length;
  for (const { line, column } of problems) {
    expect(line >= 1 && line <= lineCount + 1 && column >= 1, JSON.stringify(problems)).toBe(true);
  }
  const plan = planCloudConfig(config, circumstances);
  for (const step of plan.steps) expect(step.reason).not.toBe('');
  expect(planCloudConfig(config, circumstances)).toEqual(plan);
}

const folder = `${import.meta.dirname}/../golden/cloudinit`;
const examples = readdirSync(folder)
  .filter((name) => name.endsWith('.user-data'))
  .map((name) => readFileSync(`${folder}/${name}`, 'utf8'));

describe('for any text', () => {
  it('nothing is thrown, for noise', () => {
    const part = fc.constantFrom(
      ...['a', ':', ' ', '\n', '\n  ', '- ', '"', "'", '|', '>', '{', '}', '[', ']', ',', '&a'],
      ...['*a', '<<: ', '? ', '!!binary ', '!x ', '#', '%', '---\n', '...\n', '\t', 'é', '\u0000'],
      ...['coreos:\n', ' units:\n', ' - name: x.service\n', 'hostname: ', 'users:\n', '0644'],
    );
    const noise = fc.array(part, { maxLength: 40 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(noise, (text) => decodeAndPlan(text)),
      { numRuns: 600 },
    );
  });

  it('nothing is thrown, for configs in which something has been changed', () => {
    const change = fc.record({
      text: fc.constantFrom(...examples),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      cut: fc.nat(20),
      put: fc.constantFrom('', ' ', '\n', ':', '- ', '"', '|', '*x', '[', '{', '\u0000', '9', 'é'),
    });
    fc.assert(
      fc.property(change, ({ text, at, cut, put }) => {
        const index = Math.floor(at * text.length);
        decodeAndPlan(text.slice(0, index) + put + text.slice(index + cut));
      }),
      { numRuns: 300 },
    );
  });

  it('nothing is thrown, for values of any shape under every key', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const keys = ['hostname', 'users', 'write_files', 'manage_etc_hosts', 'ssh_authorized_keys'];
    const coreos = fc.dictionary(fc.constantFrom('units', ...sectionNames), value);
    const config = fc.dictionary(fc.constantFrom(...keys), value);
    fc.assert(
      fc.property(config, coreos, (top, inner) => {
        decodeAndPlan(JSON.stringify({ ...top, coreos: inner }, null, 1));
      }),
      { numRuns: 400 },
    );
  });

  it('nothing is thrown, for any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readUserData(bytes).kind).toBeTypeOf('string');
        for (const encoding of ['', 'base64', 'gzip', 'gz+b64']) {
          expect(decodeContent(Buffer.from(bytes), encoding).ok).toBeTypeOf('boolean');
        }
      }),
    );
  });

  it('lists without end and aliases that multiply are refused, and soon', () => {
    const deep = readTree('['.repeat(100_000));
    expect(deep.problems.length).toBeGreaterThan(0);
    const names = Array.from({ length: 30 }, (_, index) => `x${index}`);
    const lines = names.map((name, index) => {
      const inner = index === 0 ? 'a' : `*x${index - 1}, *x${index - 1}`;
      return `${name}: &${name} [${inner}]`;
    });
    const startedMs = performance.now();
    const bomb = readTree(lines.join('\n'));
    expect(bomb.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('more than a config may have'),
    ]);
    expect(performance.now() - startedMs).toBeLessThan(10_000);
  });
});

describe('what is written', () => {
  const word = fc.string({ unit: fc.constantFrom('a', '"', '\\', "'", ' ', '$', '=', ',', 'é') });

  it('reaches a service as it was said', () => {
    fc.assert(
      fc.property(word, (value) => {
        const file = parseUnitFile(environmentDropIn([['NAME', value]]));
        const [line = ''] = file.ok ? optionValues(file.value, 'Service', 'Environment') : [];
        const words = splitWords(line, 'decode');
        expect(words.ok && words.value.map(({ text }) => text)).toEqual([`NAME=${value}`]);
      }),
    );
  });

  it('is the same when it is written again', () => {
    const text = fc.array(fc.constantFrom('A=1', 'B=', '# x', '', 'ssh-rsa k'), { maxLength: 6 });
    fc.assert(
      fc.property(text, (lines) => {
        const before = lines.map((line) => `${line}\n`).join('');
        for (const write of [
          (old: string) => withVariables(old, [['A', '2']]),
          (old: string) => withOwnName(old, 'node1'),
          (old: string) => withKeys(old, 'k', ['ssh-rsa K']),
        ]) {
          const once = write(before);
          expect(write(once)).toBe(once);
          for (const line of lines) if (!line.startsWith('A=')) expect(once).toContain(line);
        }
      }),
    );
  });
});
