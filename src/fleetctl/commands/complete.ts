import { rest } from '../../lib/clock.ts';
import { FleetError } from '../../lib/error.ts';
import type { FleetClient } from '../client.ts';
import type { Command, Context } from '../command.ts';
import { CommandError } from '../command-error.ts';
import { completeCommand, filesLine } from '../completion/scripts.ts';
import { type Suggestions, suggest } from '../completion/suggest.ts';
import { limits } from '../limits.ts';

/** `fleetctl __complete -- WORD…`: what the scripts of `fleetctl completion` ask. */
export const complete: Command = {
  name: completeCommand,
  summary: 'suggest words for the last of these',
  description:
    'Prints what the last word could be, one a line, a tab and what it does after it; and ' +
    `${filesLine} where a file may be meant.`,
  operand: { usage: '[word...]', what: 'the words after fleetctl, the last one as far as typed' },
  flags: [],
  examples: ['fleetctl __complete -- start web'],
  isHidden: true,
  async run(context, operands) {
    const typed = operands.length === 0 ? [''] : operands;
    const found = suggest(typed, context.definitions);
    for (const { word, what } of found.words) {
      context.screen.line(what === '' ? word : `${word}\t${what}`);
    }
    const start = typed.at(-1) ?? '';
    for (const name of await namesFor(context, found)) {
      const word = found.prefix + name;
      if (word.startsWith(start)) context.screen.line(word);
    }
    if (found.hasFiles) context.screen.line(filesLine);
    return 0;
  },
};

/** Names of the cluster; none when it does not answer soon, or not at all. */
async function namesFor(context: Context, found: Suggestions): Promise<readonly string[]> {
  const { names, globals } = found;
  if (names === null) return [];
  const late = new AbortController();
  try {
    const client = context.clientWith(globals, limits.completionMs);
    const answer = namesOf[names](client);
    const end = rest(limits.completionMs, context.clock, late.signal).then(() => []);
    return await Promise.race([answer, end]);
  } catch (error) {
    if (error instanceof FleetError || error instanceof CommandError) return [];
    throw error;
  } finally {
    late.abort();
  }
}

const namesOf = {
  units: unitNames,
  machines: machineNames,
  'machines away': awayNames,
} as const satisfies Readonly<Record<string, (client: FleetClient) => Promise<readonly string[]>>>;

async function awayNames(client: FleetClient): Promise<readonly string[]> {
  return (await client.listMembers()).filter(({ present }) => !present).map(({ id }) => id);
}

async function unitNames(client: FleetClient): Promise<readonly string[]> {
  return (await client.listUnits('brief')).map(({ name }) => name);
}

async function machineNames(client: FleetClient): Promise<readonly string[]> {
  return (await client.listMachines()).map(({ id }) => id);
}
