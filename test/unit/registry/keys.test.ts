import { expect, test } from 'vitest';
import type { MachineId } from '../../../src/model/ids.ts';
import { Keys } from '../../../src/registry/keys.ts';
import type { ContentHash } from '../../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';

const keys = new Keys('/_coreos.com/fleet');
const machine = 'a'.repeat(32) as MachineId;
const unit = 'web@1.service' as UnitName;

test('every key says what it means', () => {
  expect(keys.meaning(keys.cluster)).toEqual({ kind: 'cluster' });
  expect(keys.meaning(keys.leader)).toEqual({ kind: 'leader' });
  expect(keys.meaning(keys.seq)).toEqual({ kind: 'seq' });
  expect(keys.meaning(keys.machine(machine))).toEqual({ kind: 'machine', machine });
  expect(keys.meaning(keys.member(machine))).toEqual({ kind: 'member', machine });
  expect(keys.meaning(keys.unit(unit))).toEqual({ kind: 'unit', unit });
  expect(keys.meaning(keys.placement(unit))).toEqual({ kind: 'placement', unit });
  expect(keys.meaning(keys.order(machine, unit))).toEqual({ kind: 'order', machine, unit });
  expect(keys.meaning(keys.report(machine, unit))).toEqual({ kind: 'report', machine, unit });
  const contentHash = 'c'.repeat(64) as ContentHash;
  expect(keys.meaning(keys.text(contentHash))).toEqual({ kind: 'text', contentHash });
});

test('a metadata key may hold any character', () => {
  const name = 'rack/row é %';
  expect(keys.meaning(keys.metadata(machine, name))).toEqual({ kind: 'metadata', machine, name });
});

test('a key of another hand means nothing, and is no error', () => {
  for (const key of ['', '/else', `${keys.prefix}units/a/b/c`, `${keys.prefix}units/no name`]) {
    expect(keys.meaning(key)).toEqual({ kind: 'other' });
  }
  expect(keys.meaning(`${keys.prefix}metadata/m/%`)).toMatchObject({ kind: 'metadata', name: '%' });
});
