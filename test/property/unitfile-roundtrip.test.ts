import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { unitFileFromOptions } from '../../src/unitfile/file-from-options.ts';
import { formatProblem } from '../../src/unitfile/problem.ts';
import { readRequirements } from '../../src/unitfile/requirements.ts';
import {
  parseUnitFile,
  serializeUnitFile,
  textFromOptions,
  unitOptions,
} from '../../src/unitfile/unit-file.ts';
import { unitHash } from '../../src/unitfile/unit-hash.ts';
import { checkUnitText } from '../../src/unitfile/unit-text.ts';
import { aUnitName } from '../builders/unit-file.ts';
import { anyUnitText, lineNoise } from '../builders/unit-text.ts';

const name = aUnitName('web@1.service');
const template = aUnitName('web@.service');

describe('for any unit file', () => {
  it('what was parsed is written back byte for byte', () => {
    fc.assert(
      fc.property(anyUnitText, (text) => {
        const parsed = parseUnitFile(text);
        expect(parsed).toMatchObject({ ok: true });
        expect(parsed.ok && serializeUnitFile(parsed.value)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  it('the normal form has the same options, the same hash, and is its own normal form', () => {
    fc.assert(
      fc.property(anyUnitText, (text) => {
        const parsed = parseUnitFile(text);
        const options = parsed.ok ? unitOptions(parsed.value) : [];
        const normal = textFromOptions(options);
        const again = parseUnitFile(normal);
        const inOrder = [...Map.groupBy(options, ({ section }) => section).values()].flat();
        expect(again.ok && unitOptions(again.value)).toEqual(inOrder);
        expect(textFromOptions(inOrder)).toBe(normal);
        expect(unitHash(inOrder)).toBe(unitHash(options));
        expect(unitFileFromOptions(options)).toEqual(again);
      }),
      { numRuns: 500 },
    );
  });

  it('a comment or a blank line more changes no option', () => {
    const comment = fc.constantFrom('# x\n', ';x\n', '\n', '  \t\r\n');
    fc.assert(
      fc.property(anyUnitText, comment, (text, line) => {
        const optionsOf = (of: string): unknown => {
          const parsed = parseUnitFile(of);
          return parsed.ok && unitOptions(parsed.value);
        };
        const body = text.replace(/^\uFEFF/, '');
        expect(optionsOf(line + body)).toEqual(optionsOf(text));
      }),
    );
  });
});

describe('for any text at all', () => {
  const texts = fc.oneof(
    lineNoise,
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fc.integer({ min: 0, max: 0xffff })).map((codes) => String.fromCharCode(...codes)),
  );

  it('nothing throws, and each problem has a place in the text and words fit for a terminal', () => {
    fc.assert(
      fc.property(texts, (text) => {
        const checked = checkUnitText(text);
        const parsed = parseUnitFile(text);
        const file = parsed.ok ? parsed.value : { entries: [] };
        expect(!parsed.ok || serializeUnitFile(file) === text).toBe(true);
        const read = [readRequirements(file, name), readRequirements(file, template)];
        const lines = text.split(/\r\n|\n\r|\n|\r/);
        const problems = [
          ...(parsed.ok ? [] : parsed.error),
          ...(checked.ok ? [] : [checked.error]),
          ...read.flatMap((answer) => (answer.ok ? [] : answer.error)),
        ];
        for (const problem of problems) {
          const line = lines[problem.line - 1];
          expect(line).toBeDefined();
          expect(problem.column).toBeGreaterThanOrEqual(1);
          expect(problem.column).toBeLessThanOrEqual(Array.from(line ?? '').length + 1);
          expect(formatProblem('web.service', problem)).toMatch(/^[^\p{Cc}\p{Cs}]+$/u);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('no bytes make the check throw, and what it gives encodes to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const checked = checkUnitText(bytes);
        expect(!checked.ok || Buffer.from(checked.value).equals(bytes)).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('options from outside are refused or come back as they were', () => {
    const part = fc.oneof(lineNoise, fc.constantFrom('A', 'Unit', 'x y'));
    const option = fc.record({ section: part, name: part, value: lineNoise });
    fc.assert(
      fc.property(fc.array(option, { maxLength: 4 }), (options) => {
        const file = unitFileFromOptions(options);
        const inOrder = [...Map.groupBy(options, ({ section }) => section).values()].flat();
        expect(!file.ok || unitOptions(file.value)).toEqual(file.ok ? inOrder : true);
      }),
      { numRuns: 1000 },
    );
  });
});
