import fc from 'fast-check';
import { expect, it } from 'vitest';
import { changedKeys } from '../../../src/lib/changed-keys.ts';
import { CowMap } from '../../../src/registry/copy-on-write.ts';

const anyChange = fc.record({ key: fc.nat(300).map(String), value: fc.option(fc.nat(9)) });

it('is the map that the changes make, and tells in what two of them differ', () => {
  fc.assert(
    fc.property(fc.array(fc.array(anyChange, { maxLength: 200 }), { maxLength: 6 }), (rounds) => {
      const cow = new CowMap<string, number>();
      const plain = new Map<string, number>();
      let before = { shared: cow.share(), plain: new Map(plain) };
      for (const round of rounds) {
        for (const { key, value } of round) {
          cow.set(key, value);
          if (value === null) plain.delete(key);
          else plain.set(key, value);
        }
        const shared = cow.share();
        expect(new Map(shared)).toEqual(plain);
        expect([shared.size, new Map(before.shared)]).toEqual([plain.size, before.plain]);
        const keys = new Set([...plain.keys(), ...before.plain.keys()]);
        const changed = [...keys].filter((key) => plain.get(key) !== before.plain.get(key));
        expect(changedKeys(before.shared, shared).sort()).toEqual(changed.sort());
        expect(changedKeys(before.plain, plain).sort()).toEqual(changed.sort());
        before = { shared, plain: new Map(plain) };
      }
    }),
    { numRuns: 50 },
  );
});

it('tells in what two of them differ also when there are many parts, and either is the larger', () => {
  const cow = new CowMap<string, number>();
  const set = (from: number, to: number): ReadonlyMap<string, number> => {
    for (let number = from; number < to; number += 1) cow.set(`unit-${number}.service`, number);
    return cow.share();
  };
  const small = set(0, 5_000);
  const large = set(5_000, 12_000);
  cow.set('unit-7.service', null);
  const less = cow.share();
  const added = Array.from({ length: 7_000 }, (_, at) => `unit-${5_000 + at}.service`).sort();
  expect(changedKeys(small, large).sort()).toEqual(added);
  expect(changedKeys(large, small).sort()).toEqual(added);
  expect(changedKeys(large, less)).toEqual(['unit-7.service']);
  expect(changedKeys(large, set(0, 0))).toEqual(['unit-7.service']);
  expect(new Set(large.keys()).size).toBe(12_000);
});
