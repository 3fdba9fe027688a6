import { usageError } from './command-error.ts';
import type { Flag, FlagValues } from './flag.ts';

/** One column of a table. */
export interface Column<Row> {
  /** As `--fields` names it. */
  readonly field: string;
  readonly header: string;
  cell(row: Row): string;
}

/** How a table is to be shown. */
export interface TableFlags {
  readonly isFull: boolean;
  readonly hasLegend: boolean;
  readonly isJson: boolean;
  /** null: the default ones. */
  readonly fields: readonly string[] | null;
}

/** What every listing understands. */
export const tableFlags: readonly Flag[] = [
  { usage: '-l, --full', what: 'do not shorten machine ids and hashes' },
  { usage: '--no-legend', what: 'leave the header out' },
  { usage: '--fields <list>', what: 'columns to show, with commas between' },
  { usage: '-o, --output <format>', what: 'table or json', values: ['table', 'json'] },
];

/** Reads what `tableFlags` offers. */
export function readTableFlags(flags: FlagValues): TableFlags {
  const output = flags['output'] ?? 'table';
  if (output !== 'table' && output !== 'json') {
    throw usageError(`unknown output "${String(output)}"`, 'use -o table or -o json');
  }
  const fields = flags['fields'];
  return {
    isFull: flags['full'] === true,
    hasLegend: flags['legend'] !== false,
    isJson: output === 'json',
    fields: typeof fields === 'string' ? fields.split(',').map((field) => field.trim()) : null,
  };
}

/** The columns that `fields` names, in its order. */
export function chooseColumns<Row>(
  columns: readonly Column<Row>[],
  fields: readonly string[],
): readonly Column<Row>[] {
  return fields.map((field) => {
    const found = columns.find((column) => column.field === field);
    if (found !== undefined) return found;
    const known = columns.map((column) => column.field).join(', ');
    throw usageError(`unknown field "${field}"`, `fields are ${known}`);
  });
}

const tabWidthCount = 8;

/** Lines with tabs between the cells, aligned on a terminal as those of Go's tabwriter. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  hasLegend: boolean,
): string {
  const lines = rows.map((row) => columns.map((column) => column.cell(row)));
  if (hasLegend) lines.unshift(columns.map(({ header }) => header));
  const stops = columns.map((_column, index) => {
    const widest = lines.reduce((most, cells) => Math.max(most, widthOf(cells[index] ?? '')), 0);
    return Math.ceil((widest + 1) / tabWidthCount);
  });
  return lines.map((cells) => `${alignCells(cells, stops)}\n`).join('');
}

function alignCells(cells: readonly string[], stops: readonly number[]): string {
  return cells
    .map((cell, index) => {
      if (index === cells.length - 1) return cell;
      const passed = Math.floor(widthOf(cell) / tabWidthCount);
      return cell + '\t'.repeat((stops[index] ?? 1) - passed);
    })
    .join('');
}

/** In characters; most cells are ASCII, where these are the code units. */
function widthOf(cell: string): number {
  return ascii.test(cell) ? cell.length : Array.from(cell).length;
}

const ascii = /^[ -~]*$/;
