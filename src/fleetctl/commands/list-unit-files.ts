import type { UnitBody } from '../../api/schema.ts';
import { byText } from '../../lib/order.ts';
import type { Command } from '../command.ts';
import { hashText, MachineNames } from '../machine-names.ts';
import { type Column, chooseColumns, formatTable, readTableFlags, tableFlags } from '../tables.ts';

/** `fleetctl list-unit-files`: the units that are stored. */
export const listUnitFiles: Command = {
  name: 'list-unit-files',
  summary: 'list the units that are stored in the cluster',
  description:
    'Lists the stored units: what is wanted of them (DSTATE), how far they are (STATE) and where ' +
    '(TARGET). Of a global unit the state is a count: of the machines that have it, how many ' +
    'are as far as wanted. Fields: unit, hash, global, dstate, state, target, tmachine (the ' +
    'same), desc.',
  operand: null,
  flags: tableFlags,
  examples: ['fleetctl list-unit-files', 'fleetctl list-unit-files --fields unit,desc'],
  async run(context, _operands, flags) {
    const { isFull, hasLegend, isJson, fields } = readTableFlags(flags);
    const wanted = fields ?? ['unit', 'hash', 'dstate', 'state', 'target'];
    chooseColumns(columns(isFull, new MachineNames([])), wanted); // a bad field costs no request
    const client = context.client();
    const content = isJson || wanted.includes('desc') ? 'whole' : 'brief';
    const reads = [client.listUnits(content), client.listMachines()] as const;
    const [found, machines] = await Promise.all(reads);
    const units = [...found].sort((one, other) => byText(one.name, other.name));
    const chosen = chooseColumns(columns(isFull, new MachineNames(machines)), wanted);
    if (isJson) context.screen.line(JSON.stringify(units, null, 2));
    else context.screen.write(formatTable(chosen, units, hasLegend));
    return 0;
  },
};

function columns(isFull: boolean, machines: MachineNames): readonly Column<UnitBody>[] {
  const target = ({ global, machineID }: UnitBody): string => {
    if (global) return 'global';
    return machineID === undefined ? '-' : machines.full(machineID, isFull);
  };
  return [
    { field: 'unit', header: 'UNIT', cell: ({ name }) => name },
    { field: 'hash', header: 'HASH', cell: ({ hash }) => hashText(hash, isFull) },
    { field: 'global', header: 'GLOBAL', cell: (unit) => String(unit.global) },
    { field: 'dstate', header: 'DSTATE', cell: ({ desiredState }) => desiredState },
    { field: 'state', header: 'STATE', cell: stateText },
    { field: 'target', header: 'TARGET', cell: target },
    { field: 'tmachine', header: 'TMACHINE', cell: target },
    { field: 'desc', header: 'DESC', cell: descriptionText },
  ];
}

function stateText(unit: UnitBody): string {
  if (!unit.global) return unit.currentState;
  if (unit.machines.length === 0) return '-';
  const done = unit.machines.filter(({ currentState }) => currentState === unit.desiredState);
  return `${done.length} of ${unit.machines.length}`;
}

function descriptionText({ options }: UnitBody): string {
  const found = options.findLast(
    ({ section, name }) => section === 'Unit' && name === 'Description',
  );
  const text = (found?.value ?? '').replace(/\s+/g, ' ').trim();
  return text === '' ? '-' : text;
}
