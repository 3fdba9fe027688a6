import { describe, expect, it } from 'vitest';
import { startOrder } from '../../../src/agent/start-order.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';

const order = (units: Readonly<Record<string, string>>): readonly string[] =>
  startOrder(new Map(Object.entries(units).map(([name, text]) => [name as UnitName, text])));

describe('start jobs', () => {
  it('are asked for by name when nothing relates them', () => {
    expect(order({ 'c.service': '', 'a.service': '', 'b.service': '' })).toEqual([
      'a.service',
      'b.service',
      'c.service',
    ]);
  });

  it.each(['After', 'Requires', 'BindsTo', 'Wants', 'PartOf'])(
    'come after those named by %s=',
    (option) => {
      const text = `[Unit]\n${option}=x.service \\\n  z.service\n`;
      expect(order({ 'a.service': text, 'x.service': '', 'z.service': '' }).at(-1)).toBe(
        'a.service',
      );
    },
  );

  it('come before those named by Before=, and specifiers are understood', () => {
    const units = {
      'log@1.service': '[Unit]\nBindsTo=web@%i.service\n',
      'web@1.service': '[Unit]\nAfter=net.service\n',
      'net.service': '',
      'setup.service': '[Unit]\nBefore=net.service\n',
    };
    expect(order(units)).toEqual([
      'setup.service',
      'net.service',
      'web@1.service',
      'log@1.service',
    ]);
  });

  it('of a circle, and of a file that cannot be read, are asked for all the same', () => {
    const units = {
      'a.service': '[Unit]\nAfter=b.service\n',
      'b.service': '[Unit]\nAfter=a.service\n',
      'c.service': 'no unit file',
    };
    expect([...order(units)].sort()).toEqual(['a.service', 'b.service', 'c.service']);
  });
});
