import fc from 'fast-check';
import { expect, it } from 'vitest';
import { partOf, WideMap, WideSet } from '../../../src/lib/wide-map.ts';
import { contentHash } from '../../../src/unitfile/unit-hash.ts';

const anyChange = fc.record({
  key: fc.oneof(
    fc.nat(200).map((number) => `app@${number}.service`),
    fc.string({ maxLength: 3 }),
    fc.nat(20).map((number) => `${'a'.repeat(number)}.timer`),
  ),
  value: fc.option(fc.nat(9)),
});

it('holds what a map holds', () => {
  fc.assert(
    fc.property(fc.array(anyChange, { maxLength: 500 }), (changes) => {
      const [wide, plain] = [new WideMap<string, number>(), new Map<string, number>()];
      for (const { key, value } of changes) {
        if (value === null) expect(wide.delete(key)).toBe(plain.delete(key));
        else wide.set(key, value);
        if (value !== null) plain.set(key, value);
        expect([wide.size, wide.has(key), wide.get(key)]).toEqual([
          plain.size,
          plain.has(key),
          plain.get(key),
        ]);
      }
      expect(new Map(wide)).toEqual(plain);
      expect([...wide.keys()].sort()).toEqual([...plain.keys()].sort());
      expect([...wide.values()].sort()).toEqual([...plain.values()].sort());
      const [set, plainSet] = [new WideSet(wide.keys()), new Set(plain.keys())];
      expect(new Set(set)).toEqual(plainSet);
      expect(new Map(set.entries())).toEqual(new Map(plainSet.entries()));
      expect([set.size, set.has('a.timer')]).toEqual([plainSet.size, plainSet.has('a.timer')]);
      wide.clear();
      set.clear();
      expect([wide.size, set.size, [...wide], [...set]]).toEqual([0, 0, [], []]);
    }),
    { numRuns: 100 },
  );
});

it('spreads names evenly, however they differ', () => {
  const kinds: readonly ((number: number) => string)[] = [
    (number) => `app@${number}.service`,
    (number) => `app-${number}-worker.service`,
    (number) => `${number}.socket`,
    (number) => `service-${String(number).padStart(6, '0')}-eu.timer`,
    (number) => contentHash(`text ${number}`),
  ];
  for (const kind of kinds) {
    const counts = new Map<number, number>();
    for (let number = 0; number < 12_800; number += 1) {
      const part = partOf(kind(number));
      counts.set(part, (counts.get(part) ?? 0) + 1);
    }
    // A hundred in each of 128 parts would be perfect.
    expect(Math.max(...counts.values()), kind(1)).toBeLessThan(500);
  }
});
