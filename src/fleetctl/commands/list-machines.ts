import type { MachineBody, MemberBody } from '../../api/schema.ts';
import { byText } from '../../lib/order.ts';
import type { Command, Context } from '../command.ts';
import type { Flag } from '../flag.ts';
import { shortMachine } from '../machine-names.ts';
import { withNotices } from '../notices.ts';
import { type Column, chooseColumns, formatTable, readTableFlags, tableFlags } from '../tables.ts';

const allFlag: Flag = { usage: '--all', what: 'machines that are away, too, and since when' };

/** A machine that is there, or one that was; what is not known of it is null. */
type Row = Pick<MemberBody, 'id' | 'primaryIP' | 'version' | 'present' | 'awaySinceMs' | 'left'> & {
  readonly metadata: MachineBody['metadata'] | null;
};

/** `fleetctl list-machines`: the machines that are there. */
export const listMachines: Command = {
  name: 'list-machines',
  summary: 'list the machines of the cluster',
  description:
    'Lists the machines that are alive; notices of the cluster go to stderr. With --all also ' +
    'those that are away and not forgotten. Fields: machine, ip, metadata, seen.',
  operand: null,
  flags: [...tableFlags, allFlag],
  examples: [
    'fleetctl list-machines',
    'fleetctl list-machines --all',
    'fleetctl list-machines --no-legend --full --fields machine',
  ],
  async run(context, _operands, flags) {
    const { isFull, hasLegend, isJson, fields } = readTableFlags(flags);
    const isAll = flags['all'] === true;
    const usual = isAll ? ['machine', 'ip', 'metadata', 'seen'] : ['machine', 'ip', 'metadata'];
    const chosen = chooseColumns(columns(isFull), fields ?? usual);
    return withNotices(context, async () => {
      const [present, members] = await readMachines(context, isAll);
      const rows = rowsOf(present, members);
      if (isJson) context.screen.line(JSON.stringify(isAll ? rows : present, null, 2));
      else context.screen.write(formatTable(chosen, rows, hasLegend));
      return 0;
    });
  },
};

async function readMachines(
  context: Context,
  isAll: boolean,
): Promise<readonly [readonly MachineBody[], readonly MemberBody[]]> {
  const client = context.client();
  const [found, members] = await Promise.all([
    client.listMachines(),
    isAll ? client.listMembers() : [],
  ]);
  return [[...found].sort((one, other) => byText(one.id, other.id)), members];
}

/** One that is in the listing of those alive is there, whatever the other listing says. */
function rowsOf(present: readonly MachineBody[], members: readonly MemberBody[]): readonly Row[] {
  const ids = new Set(present.map(({ id }) => id));
  const rows: Row[] = present.map((machine) => {
    return { ...machine, present: true, awaySinceMs: null, left: null };
  });
  const away = members
    .filter(({ id }) => !ids.has(id))
    .map(({ id, primaryIP, version, awaySinceMs, left }) => {
      return { id, primaryIP, metadata: null, version, present: false, awaySinceMs, left };
    });
  return [...rows, ...away].sort((one, other) => byText(one.id, other.id));
}

function columns(isFull: boolean): readonly Column<Row>[] {
  return [
    { field: 'machine', header: 'MACHINE', cell: ({ id }) => (isFull ? id : shortMachine(id)) },
    { field: 'ip', header: 'IP', cell: ({ primaryIP }) => primaryIP || '-' },
    { field: 'metadata', header: 'METADATA', cell: ({ metadata }) => metadataText(metadata ?? {}) },
    { field: 'seen', header: 'SEEN', cell: seenText },
  ];
}

/** When it was last seen; a time that is not known is not made up. */
function seenText({ present, awaySinceMs, left }: Row): string {
  if (present) return 'now';
  if (awaySinceMs === null) return 'unknown';
  const at = `${new Date(awaySinceMs).toISOString().slice(0, 19)}Z`;
  return left === true ? `${at} (left)` : at;
}

function metadataText(metadata: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(metadata).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? '-' : pairs.sort(byText).join(',');
}
