import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DiskRecord } from '../../../src/daemon/memory.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'record-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function record(path: string): DiskRecord<string> {
  return new DiskRecord(path, (value) => (typeof value === 'string' ? value : null));
}

it('remembers what was written, and leaves no other file behind', () => {
  const path = join(folder, 'deep', 'lease.json');
  expect(record(path).read()).toBeNull();
  record(path).write('first');
  record(path).write('second');
  expect(record(path).read()).toBe('second');
  expect(readdirSync(join(folder, 'deep'))).toEqual(['lease.json']);
});

it.each(['', '{"half":', '17'])('takes a file holding %j for none', (text) => {
  const path = join(folder, 'lease.json');
  writeFileSync(path, text);
  expect(record(path).read()).toBeNull();
});

it('says which file cannot be read', () => {
  expect(() => record(folder).read()).toThrow(`cannot read ${folder}`);
});
