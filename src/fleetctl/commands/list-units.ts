import type { UnitStateBody } from '../../api/schema.ts';
import { byText } from '../../lib/order.ts';
import type { MachineId } from '../../model/ids.ts';
import { type OrphanRow, tellOrphans } from '../../model/orphan-notice.ts';
import { tellBrakedUnits } from '../braked-units.ts';
import type { Command, ExitStatus } from '../command.ts';
import { hashText, MachineNames } from '../machine-names.ts';
import { withNotices } from '../notices.ts';
import { type Column, chooseColumns, formatTable, readTableFlags, tableFlags } from '../tables.ts';

/** `fleetctl list-units`: what machines say of their units. */
export const listUnits: Command = {
  name: 'list-units',
  summary: 'list the units that machines have, and how they are',
  description:
    'Lists the units that machines have, in the words of their systemd: one line for each unit ' +
    'and machine. Units that are stored only, or fit nowhere: see list-unit-files. Notices of the ' +
    'cluster go to stderr. Fields: unit, load, active, sub, machine, hash, note (whether it is an ' +
    'orphan, and what is wrong with it).',
  operand: null,
  flags: tableFlags,
  examples: ['fleetctl list-units', 'fleetctl list-units --full --fields unit,hash,machine'],
  async run(context, _operands, flags) {
    const { isFull, hasLegend, isJson, fields } = readTableFlags(flags);
    const wanted = fields ?? ['unit', 'machine', 'active', 'sub'];
    chooseColumns(columns(isFull, new MachineNames([])), wanted); // a bad field costs no request
    const client = context.client();
    let found: readonly UnitStateBody[] = [];
    const list = async (): Promise<ExitStatus> => {
      const [rows, machines] = await Promise.all([client.listStates(), client.listMachines()]);
      found = rows;
      const states = [...found].sort(
        (one, other) => byText(one.name, other.name) || byText(one.machineID, other.machineID),
      );
      const chosen = chooseColumns(columns(isFull, new MachineNames(machines)), wanted);
      if (isJson) context.screen.line(JSON.stringify(states, null, 2));
      else context.screen.write(formatTable(chosen, states, hasLegend));
      return 0;
    };
    return withNotices(context, list, {
      found: () => tellOrphans(found.flatMap(orphanIn)),
      more: async (notices) => {
        if (notices.some(({ kind }) => kind === 'brake')) await tellBrakedUnits(context);
      },
    });
  },
};

function orphanIn(row: UnitStateBody): readonly OrphanRow[] {
  const { name: unit, machineID, systemdActiveState: active } = row;
  return row.orphan === true ? [{ unit, machine: machineID as MachineId, active }] : [];
}

function columns(isFull: boolean, machines: MachineNames): readonly Column<UnitStateBody>[] {
  return [
    { field: 'unit', header: 'UNIT', cell: ({ name }) => name },
    { field: 'load', header: 'LOAD', cell: ({ systemdLoadState }) => systemdLoadState || '-' },
    { field: 'active', header: 'ACTIVE', cell: ({ systemdActiveState: active }) => active || '-' },
    { field: 'sub', header: 'SUB', cell: ({ systemdSubState }) => systemdSubState || '-' },
    {
      field: 'machine',
      header: 'MACHINE',
      cell: ({ machineID }) => (machineID === '' ? '-' : machines.full(machineID, isFull)),
    },
    { field: 'hash', header: 'HASH', cell: ({ hash }) => hashText(hash, isFull) },
    { field: 'note', header: 'NOTE', cell: noteText },
  ];
}

function noteText({ orphan, problem }: UnitStateBody): string {
  const notes = [...(orphan === true ? ['orphan'] : []), ...(problem ? [problem] : [])];
  return notes.length === 0 ? '-' : notes.join('; ');
}
