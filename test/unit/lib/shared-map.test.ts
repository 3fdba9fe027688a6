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
