import { describe, expect, it } from 'vitest';
import {
  dependsOnInstance,
  resolveSpecifiers,
  specifierValues,
} from '../../../src/unitfile/specifiers.ts';
import { aUnitName } from '../../builders/unit-file.ts';

const values = specifierValues(aUnitName('web@a.b.service'));

describe('resolveSpecifiers', () => {
  it.each([
    ['', ''],
    ['plain', 'plain'],
    ['%n', 'web@a.b.service'],
    ['%N', 'web@a.b'],
    ['%p', 'web'],
    ['%i', 'a.b'],
    ['%%', '%'],
    ['%%n', '%n'],
    ['%p-%i.service%%', 'web-a.b.service%'],
  ])('replaces %j', (text, expected) => {
    expect(resolveSpecifiers(text, values)).toEqual({ ok: true, value: expected });
  });

  it.each([
    ['a%H', '"%H" is not known'],
    ['%I', '"%I" is not known'],
    ['% ', '"% " is not known'],
    ['%😀', '"%😀" is not known'],
    ['50%', 'a "%" at the end'],
  ])('refuses %j and names it', (text, why) => {
    const resolved = resolveSpecifiers(text, values);
    expect(resolved.ok ? '' : resolved.error).toContain(why);
  });

  it('gives an empty instance to a unit that has none', () => {
    const plain = specifierValues(aUnitName('web.service'));
    expect(resolveSpecifiers('[%i]%p', plain)).toEqual({ ok: true, value: '[]web' });
  });

  it('protects what it puts in, and only that', () => {
    const shout = (text: string): string => text.toUpperCase();
    expect(resolveSpecifiers('x%i%%', values, shout)).toEqual({ ok: true, value: 'xA.B%' });
  });
});

describe('dependsOnInstance', () => {
  it.each(['%i', 'a%n', '%p%N', '%%%i'])('says yes to %j', (text) => {
    expect(dependsOnInstance(text)).toBe(true);
  });

  it.each(['', 'i', '%p', '%%i', '%%%%n'])('says no to %j', (text) => {
    expect(dependsOnInstance(text)).toBe(false);
  });
});
