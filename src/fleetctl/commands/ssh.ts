import type { MachineBody } from '../../api/schema.ts';
import { unitNameFromArgument } from '../../unitfile/unit-name.ts';
import type { Command, Context } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { FlagValues } from '../flag.ts';
import { Cluster, knownUnits } from '../named-units.ts';
import { sshTo } from '../on-machine.ts';
import { machineNamed, type Place } from '../places.ts';
import {
  inTurn,
  machineWanted,
  nowhereError,
  pictureOf,
  placesWanted,
  readSshPort,
} from '../unit-places.ts';
import { sshPortFlag } from './remote-flags.ts';

/** `fleetctl ssh`: a shell, or a command, on a machine. */
export const ssh: Command = {
  name: 'ssh',
  summary: 'open a shell on a machine, or run a command there',
  description:
    'Opens a shell on a machine, or on the machine of a unit, with OpenSSH and its configuration. ' +
    'A command runs on all machines of a global unit in turn. As with ssh, its words are joined by ' +
    'blanks and read by the shell there, and its exit status is handed on.',
  operand: { usage: '[target]', what: 'a machine (the first digits of its id) or a unit' },
  rest: { usage: '[command...]', what: 'what to run there; a shell to type in without it' },
  flags: [
    { usage: '--machine <id>', what: 'the target is this machine' },
    { usage: '--unit <name>', what: 'the target is the machine of this unit' },
    { usage: '-A, --forward-agent', what: 'let the machine use your ssh-agent' },
    sshPortFlag,
  ],
  examples: [
    'fleetctl ssh 1111abcd',
    'fleetctl ssh web@1.service',
    'fleetctl ssh web@1.service uptime',
    "fleetctl ssh --unit agent.service 'df -h / | tail -n 1'",
    'fleetctl --tunnel 10.0.0.1 ssh -A 1111abcd',
  ],
  async run(context, operands, flags) {
    const { places, words, name } = await readTarget(context, operands, flags);
    const command = words.length === 0 ? null : words.join(' ');
    const [first, ...others] = places;
    if (command === null && first !== undefined && others.length > 0) {
      throw new CommandError(`${name} is on ${places.length} machines: which one?`, {
        hint: `fleetctl ssh --machine ${first.id.slice(0, 8)}, or give a command to run on all`,
      });
    }
    const port = readSshPort(flags);
    const hasInput = others.length === 0; // several machines cannot all read what is typed
    const hasTerminal = hasInput && command !== null && context.here.isInteractive;
    const way = { flags: sshFlags(hasTerminal, flags), port, hasInput };
    return inTurn(context, name, places, (place) => sshTo(context, place, command, way));
  },
};

interface Target {
  readonly name: string;
  readonly places: readonly Place[];
  /** The command. */
  readonly words: readonly string[];
}

async function readTarget(
  context: Context,
  operands: readonly string[],
  flags: FlagValues,
): Promise<Target> {
  const { machine, unit } = flags;
  if (machine !== undefined && unit !== undefined) {
    throw usageError('--machine and --unit are both given', 'give one of them');
  }
  const machines = (): Promise<readonly MachineBody[]> => context.client().listMachines();
  if (typeof machine === 'string') {
    return { name: machine, places: [machineWanted(machine, await machines())], words: operands };
  }
  if (typeof unit === 'string') {
    const places = await unitPlaces(context, unit, await machines());
    return { name: unit, places, words: operands };
  }
  const [name, ...words] = operands;
  if (name === undefined)
    throw usageError('no machine and no unit is named', 'see fleetctl help ssh');
  return { name, places: await guessed(context, name, await machines()), words };
}

/** A machine or a unit, whichever there is; not one of both by chance. */
async function guessed(
  context: Context,
  text: string,
  machines: readonly MachineBody[],
): Promise<readonly Place[]> {
  const machine = machineNamed(text, machines);
  const name = unitNameFromArgument(text);
  const unit = name.ok ? await new Cluster(context.client()).get(name.value) : null;
  if (unit !== null && machine.ok && machine.value === null) {
    return unitPlaces(context, text, machines);
  }
  if (unit !== null) {
    throw new CommandError(`${text} is the name of a unit, and a machine's id begins so as well`, {
      hint: `say which: fleetctl ssh --unit ${text}, or --machine ${text}`,
    });
  }
  if (!machine.ok) throw nowhereError(machine.error);
  if (machine.value !== null) return [machine.value];
  throw new CommandError(`there is no machine and no unit ${text}`, {
    hint: 'fleetctl list-machines and list-unit-files show what is there',
  });
}

async function unitPlaces(
  context: Context,
  argument: string,
  machines: readonly MachineBody[],
): Promise<readonly Place[]> {
  const [unit] = await knownUnits(context, [argument]);
  if (unit === undefined) return [];
  return placesWanted(await pictureOf(context, unit, machines), {});
}

/** A terminal for a command too, where there is one here: what runs there may want to ask. */
function sshFlags(hasTerminal: boolean, flags: FlagValues): readonly string[] {
  return [...(hasTerminal ? ['-t'] : []), ...(flags['forwardAgent'] === true ? ['-A'] : [])];
}
