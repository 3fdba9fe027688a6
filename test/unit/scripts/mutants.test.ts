import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { mutants } from '../../sim/mutants.ts';

const top = join(import.meta.dirname, '../../..');

test.each(mutants)('the bug "$name" can still be planted', ({ file, find, replace }) => {
  const text = readFileSync(join(top, file), 'utf8');
  expect(text.split(find).length - 1, `times that ${file} has: ${find}`).toBe(1);
  expect(replace).not.toBe(find);
});

test('no two bugs go by one name', () => {
  expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length);
});
