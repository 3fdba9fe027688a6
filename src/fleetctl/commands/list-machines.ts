import type { MachineBody } from '../../api/schema.ts';
import { byText } from '../../lib/order.ts';
import type { Command } from '../command.ts';
import { shortMachine } from '../machine-names.ts';
import { withNotices } from '../notices.ts';
import { type Column, chooseColumns, formatTable, readTableFlags, tableFlags } from '../tables.ts';

/** `fleetctl list-machines`: the machines that are there. */
export const listMachines: Command = {
  name: 'list-machines',
  summary: 'list the machines of the cluster',
  description:
    'Lists the machines that are alive; notices of the cluster go to stderr. Fields: machine, ip, ' +
    'metadata.',
  operand: null,
  flags: tableFlags,
  examples: [
    'fleetctl list-machines',
    'fleetctl list-machines --no-legend --full --fields machine',
  ],
  async run(context, _operands, flags) {
    const { isFull, hasLegend, isJson, fields } = readTableFlags(flags);
    const chosen = chooseColumns(columns(isFull), fields ?? ['machine', 'ip', 'metadata']);
    return withNotices(context, async () => {
      const found = await context.client().listMachines();
      const machines = [...found].sort((one, other) => byText(one.id, other.id));
      if (isJson) context.screen.line(JSON.stringify(machines, null, 2));
      else context.screen.write(formatTable(chosen, machines, hasLegend));
      return 0;
    });
  },
};

function columns(isFull: boolean): readonly Column<MachineBody>[] {
  return [
    { field: 'machine', header: 'MACHINE', cell: ({ id }) => (isFull ? id : shortMachine(id)) },
    { field: 'ip', header: 'IP', cell: ({ primaryIP }) => primaryIP || '-' },
    { field: 'metadata', header: 'METADATA', cell: ({ metadata }) => metadataText(metadata) },
  ];
}

function metadataText(metadata: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '-' : pairs.sort(byText).join(',');
}
