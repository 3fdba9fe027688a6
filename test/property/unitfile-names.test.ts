import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitWords } from '../../src/unitfile/quoting.ts';
import { resolveSpecifiers, specifierValues } from '../../src/unitfile/specifiers.ts';
import {
  parseUnitName,
  refusedName,
  templateOf,
  unitNameFromArgument,
  unitNameParts,
} from '../../src/unitfile/unit-name.ts';
import { aUnitName } from '../builders/unit-file.ts';
import { lineNoise } from '../builders/unit-text.ts';

const stems = fc.string({
  unit: fc.constantFrom('a', 'Z', '9', ':', '_', '.', '\\', '-', '@'),
  maxLength: 12,
});
const types = fc.constantFrom('service', 'socket', 'mount', 'device', 'conf', '');
const noise = fc.oneof(
  lineNoise,
  fc.tuple(stems, types).map((parts) => parts.join('.')),
);

it('every name that is taken can be put together again from its parts', () => {
  fc.assert(
    fc.property(noise, (text) => {
      const parsed = parseUnitName(text);
      if (!parsed.ok) return;
      const { prefix, instance, type, isTemplate } = unitNameParts(parsed.value);
      const middle = isTemplate ? '@' : instance === null ? '' : `@${instance}`;
      expect(`${prefix}${middle}.${type}`).toBe(text);
      const template = templateOf(parsed.value);
      expect(template === null || parseUnitName(template).ok).toBe(true);
      expect(refusedName(parsed.value)).not.toBe('');
      expect(unitNameFromArgument(`/some/dir/${text}`)).toEqual(parsed);
    }),
    { numRuns: 1000 },
  );
});

it('an argument is refused with a printable reason or names a unit', () => {
  fc.assert(
    fc.property(noise, (arg) => {
      const name = unitNameFromArgument(arg);
      if (name.ok) expect(parseUnitName(name.value)).toEqual(name);
      else expect(name.error).toMatch(/^[^\p{Cc}\p{Cs}]+$/u);
    }),
    { numRuns: 1000 },
  );
});

it('words that were quoted come back as they were', () => {
  const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), (texts) => {
      const split = splitWords(texts.map(quoted).join(' '), 'decode');
      expect(split.ok && split.value.map(({ text }) => text)).toEqual(texts);
    }),
  );
});

it('no value makes splitting or specifiers throw', () => {
  const values = specifierValues(aUnitName('web@1.service'));
  fc.assert(
    fc.property(fc.oneof(lineNoise, fc.string({ unit: 'binary' })), (text) => {
      expect(typeof splitWords(text, 'decode').ok).toBe('boolean');
      expect(typeof splitWords(text, 'keep').ok).toBe('boolean');
      expect(typeof resolveSpecifiers(text, values).ok).toBe('boolean');
    }),
    { numRuns: 1000 },
  );
});
