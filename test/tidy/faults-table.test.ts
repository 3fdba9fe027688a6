import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

/** Each row of the tables about faults: its first cell, and the files and titles that it names. */
function rows(): readonly { readonly fault: string; readonly tests: string }[] {
  const lines = readFileSync('docs/operating/faults.md', 'utf8').split('\n');
  const cells = lines
    .filter((line) => /^\| [^|]*\|.*\|$/.test(line))
    .map((line) => line.split('|'));
  const named = cells.map((row) => ({ fault: row[1]?.trim() ?? '', tests: row.at(-2) ?? '' }));
  return named.filter(({ fault }) => fault !== 'fault');
}

it('each fault names the test that brings it about, which is there', () => {
  expect(rows().length).toBeGreaterThan(30);
  for (const { fault, tests } of rows()) {
    for (const part of tests.split(';')) {
      const [, path = '', title = ''] = /^\s*`(\S+\.test\.ts)`: (.+?)\s*$/.exec(part) ?? [];
      expect(existsSync(path), `${fault}: ${part}`).toBe(true);
      expect(readFileSync(path, 'utf8'), `${fault}: ${path}`).toContain(title);
    }
  }
});
