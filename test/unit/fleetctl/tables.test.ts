import { describe, expect, it } from 'vitest';
import { chooseColumns, formatTable, readTableFlags } from '../../../src/fleetctl/tables.ts';

interface Row {
  readonly a: string;
  readonly b: string;
}
const columns = [
  { field: 'a', header: 'A', cell: (row: Row) => row.a },
  { field: 'b', header: 'B', cell: (row: Row) => row.b },
];

describe('a table', () => {
  it('has its columns at multiples of eight, at least one blank apart, as Go tabwriter does it', () => {
    const rows = [
      { a: '1234567', b: 'x' },
      { a: '12345678', b: 'y' },
      { a: '', b: 'z' },
    ];
    expect(formatTable(columns, rows, true)).toBe('A\t\tB\n1234567\t\tx\n12345678\ty\n\t\tz\n');
    expect(formatTable(columns, rows.slice(0, 1), false)).toBe('1234567\tx\n');
  });

  it('counts characters, not code units', () => {
    const rows = [{ a: '😀😀😀😀', b: 'x' }];
    expect(formatTable(columns, rows, false)).toBe('😀😀😀😀\tx\n');
  });

  it('of nothing is its header alone, or nothing', () => {
    expect(formatTable(columns, [], true)).toBe('A\tB\n');
    expect(formatTable(columns, [], false)).toBe('');
  });

  it('has the columns that were asked for, in that order', () => {
    const chosen = chooseColumns(columns, ['b', 'a', 'b']);
    expect(formatTable(chosen, [{ a: '1', b: '2' }], true)).toBe('B\tA\tB\n2\t1\t2\n');
  });

  it('names an unknown field and the known ones', () => {
    expect(() => chooseColumns(columns, ['c'])).toThrow('unknown field "c"');
  });

  it('of ten thousand rows is no matter', () => {
    const rows = Array.from({ length: 10_000 }, (_, index) => ({ a: `u${index}`, b: 'x' }));
    expect(formatTable(columns, rows, true).split('\n')).toHaveLength(10_002);
  });

  it('reads its flags', () => {
    expect(readTableFlags({})).toEqual({
      isFull: false,
      hasLegend: true,
      isJson: false,
      fields: null,
    });
    const flags = { full: true, legend: false, output: 'json', fields: 'a, b' };
    expect(readTableFlags(flags)).toEqual({
      isFull: true,
      hasLegend: false,
      isJson: true,
      fields: ['a', 'b'],
    });
  });
});
