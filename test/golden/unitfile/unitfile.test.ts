import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { formatProblem, type SyntaxProblem } from '../../../src/unitfile/problem.ts';
import { isOneshot, readRequirements } from '../../../src/unitfile/requirements.ts';
import {
  checkUnitText,
  description,
  parseUnitFile,
  serializeUnitFile,
  textFromOptions,
  unitOptions,
} from '../../../src/unitfile/unit-file.ts';
import { contentHash, unitHash } from '../../../src/unitfile/unit-hash.ts';
import { aUnitName } from '../../builders/unit-file.ts';

const inputs = readdirSync(import.meta.dirname).filter((name) => name.endsWith('.service'));

/** Everything unitfile says of a file, as a person would like to read it. */
function reportOn(fileName: string, bytes: Buffer): string {
  const refuse = (problems: readonly SyntaxProblem[]): string =>
    problems.map((problem) => `${formatProblem(fileName, problem)}\n`).join('');
  const text = checkUnitText(bytes);
  if (!text.ok) return refuse([text.error]);
  const file = parseUnitFile(text.value);
  if (!file.ok) return refuse(file.error);
  expect(Buffer.from(serializeUnitFile(file.value)).equals(bytes)).toBe(true);
  const read = readRequirements(file.value, aUnitName(fileName));
  if (!read.ok) return refuse(read.error);
  const options = unitOptions(file.value);
  const facts = {
    description: description(file.value),
    oneshot: isOneshot(file.value),
    unitHash: unitHash(options),
    contentHash: contentHash(text.value),
    ...read.value,
  };
  return `${textFromOptions(options)}\n---\n${JSON.stringify(facts, null, 2)}\n`;
}

it.each(inputs)('%s is understood, or refused, in these words', async (fileName) => {
  const report = reportOn(fileName, readFileSync(`${import.meta.dirname}/${fileName}`));
  await expect(report).toMatchFileSnapshot(`${fileName}.expected.txt`);
});

it('has inputs', () => {
  expect(inputs.length).toBeGreaterThan(5);
});
