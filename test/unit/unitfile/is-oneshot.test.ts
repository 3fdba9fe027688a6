import { expect, it } from 'vitest';
import { isOneshot } from '../../../src/unitfile/is-oneshot.ts';
import { aUnitFile } from '../../builders/unit-file.ts';

it.each([
  ['Type=oneshot', true],
  ['Type=oneshot\nRemainAfterExit=no', true],
  ['Type=oneshot\nRemainAfterExit=yes', false],
  ['Type=oneshot\nRemainAfterExit=TRUE', false],
  ['Type=oneshot\nRemainAfterExit=yes\nRemainAfterExit=', true],
  ['Type=simple\nType=oneshot', true],
  ['Type=oneshot\nType=exec', false],
  ['Type=oneshot\nType=', false],
  ['ExecStart=/bin/true', false],
])('[Service] %j is a oneshot that ends: %s', (lines, expected) => {
  expect(isOneshot(aUnitFile(`[Service]\n${lines}\n`))).toBe(expected);
});
