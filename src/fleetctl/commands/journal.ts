import type { Command, Context, ExitStatus } from '../command.ts';
import { usageError } from '../command-error.ts';
import type { FlagValues } from '../flag.ts';
import { shortMachine } from '../machine-names.ts';
import { knownUnits } from '../named-units.ts';
import { runOnMachine, type WayThere } from '../on-machine.ts';
import type { Place } from '../places.ts';
import { inTurn, pictureOf, placesWanted, readSshPort } from '../unit-places.ts';
import { onMachineFlag, sshPortFlag } from './remote-flags.ts';

/** `fleetctl journal`: what a unit said, on its machine. */
export const journal: Command = {
  name: 'journal',
  summary: 'print the journal of a unit',
  description:
    'Runs journalctl on the machine of a unit, by ssh, or directly when it is this one. For a ' +
    'global unit on all its machines in turn; with -f on all at once, each line with its machine.',
  operand: { usage: '<unit>', what: 'the name of a unit in the cluster' },
  flags: [
    { usage: '-n, --lines <count>', what: 'how many of the newest lines, or all (default: 10)' },
    { usage: '-f, --follow', what: 'go on with what comes, until Ctrl-C' },
    {
      usage: '-o, --output <mode>',
      what: 'as journalctl has it: short, cat, json, … (default: short)',
    },
    { usage: '--sudo', what: 'run journalctl with sudo there' },
    onMachineFlag,
    sshPortFlag,
  ],
  examples: [
    'fleetctl journal --lines 100 web@1.service',
    'fleetctl journal -f web@1.service',
    'fleetctl journal --sudo --output json web@1.service',
  ],
  async run(context, operands, flags) {
    const readArgv = journalArgv(flags);
    const port = readSshPort(flags);
    const [unit] = await knownUnits(context, operands);
    if (unit === undefined) return 1;
    const machines = await context.client().listMachines();
    const places = placesWanted(await pictureOf(context, unit, machines), flags);
    const argv = readArgv(unit.name);
    if (flags['follow'] === true && places.length > 1)
      return followAll(context, places, argv, port);
    const way = wayOf(context, flags, port);
    return inTurn(context, unit.name, places, (place) => runOnMachine(context, place, argv, way));
  },
};

/** A terminal there where somebody may have to answer sudo. */
function wayOf({ here }: Context, flags: FlagValues, port: number | null): WayThere {
  const hasTerminal = here.isInteractive && flags['sudo'] === true;
  return { flags: [hasTerminal ? '-t' : '-T'], port, hasInput: hasTerminal };
}

function journalArgv(flags: FlagValues): (name: string) => readonly string[] {
  const lines = flags['lines'] ?? '10';
  const mode = flags['output'] ?? 'short';
  if (typeof lines !== 'string' || !/^(\d{1,9}|all)$/.test(lines)) {
    throw usageError(`--lines: "${String(lines)}" is not a count`, 'write a number, or all');
  }
  if (typeof mode !== 'string' || !/^[a-z-]{1,40}$/.test(mode)) {
    throw usageError(`unknown output "${String(mode)}"`, 'journalctl --output=help lists them');
  }
  return (name) => [
    ...(flags['sudo'] === true ? ['sudo'] : []),
    ...['journalctl', '--unit', name, '--no-pager', '-n', lines],
    ...(flags['follow'] === true ? ['-f'] : []),
    ...['-o', mode],
  ];
}

/** All at once: the first would never end. */
async function followAll(
  context: Context,
  places: readonly Place[],
  argv: readonly string[],
  port: number | null,
): Promise<ExitStatus> {
  const statuses = await Promise.all(
    places.map((place) => {
      const linePrefix = `${shortMachine(place.id)} `;
      return runOnMachine(context, place, argv, {
        flags: ['-T'],
        port,
        hasInput: false,
        linePrefix,
      });
    }),
  );
  return statuses.find((status) => status !== 0) ?? 0;
}
