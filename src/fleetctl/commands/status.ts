import type { MachineBody } from '../../api/schema.ts';
import type { Command, Context, ExitStatus } from '../command.ts';
import { CommandError, usageError } from '../command-error.ts';
import type { FlagValues } from '../flag.ts';
import type { KnownUnit } from '../named-units.ts';
import { runOnMachine, type WayThere } from '../on-machine.ts';
import { knownOrOrphanUnits } from '../orphan-units.ts';
import type { UnitPicture } from '../places.ts';
import { inTurn, pictureOf, placesWanted, readSshPort } from '../unit-places.ts';
import { onMachineFlag, sshPortFlag } from './remote-flags.ts';
import { knownUnitOperand } from './shared-flags.ts';

/** `fleetctl status`: what systemd says of units, on their machines. */
export const status: Command = {
  name: 'status',
  summary: 'tell what systemd says of units',
  description:
    'Runs systemctl status on the machine of each unit, by ssh, or directly when it is this one; ' +
    'for a global unit on all its machines in turn. Ends with the first status that is not 0: ' +
    "systemctl's 3 for a unit that is not active. With -o json it tells what fleet knows, without " +
    'ssh: states, the placement with its reason, and problems.',
  operand: knownUnitOperand,
  flags: [
    onMachineFlag,
    sshPortFlag,
    { usage: '-o, --output <format>', what: "text, systemctl's own (default), or json" },
  ],
  examples: [
    'fleetctl status web@1.service web@2.service',
    'fleetctl --tunnel 10.0.0.1 status web@1.service',
    'fleetctl status --machine 1111abcd agent.service',
    'fleetctl status -o json web@1.service',
  ],
  async run(context, operands, flags) {
    const isJson = readOutput(flags) === 'json';
    const port = readSshPort(flags);
    const units = await knownOrOrphanUnits(context, operands);
    const machines = await context.client().listMachines();
    if (isJson) return tellJson(context, units, machines);
    const way = { flags: ['-T'], port, hasInput: false };
    let result: ExitStatus = 0;
    for (const [index, unit] of units.entries()) {
      if (index > 0) context.screen.line('');
      const argv = ['systemctl', 'status', '--no-pager', '-l', '--', unit.name];
      const found = await unitStatus(context, unit, machines, { flags, way, argv });
      result ||= found;
    }
    return result;
  },
};

interface Asking {
  readonly flags: FlagValues;
  readonly way: WayThere;
  readonly argv: readonly string[];
}

async function unitStatus(
  context: Context,
  unit: KnownUnit,
  machines: readonly MachineBody[],
  { flags, way, argv }: Asking,
): Promise<ExitStatus> {
  const picture = await pictureOf(context, unit, machines);
  try {
    const places = placesWanted(picture, flags);
    return await inTurn(context, unit.name, places, (place) =>
      runOnMachine(context, place, argv, way),
    );
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    context.screen.error(error.message); // the other units have a status all the same
    context.screen.note(error.hint);
    return 1;
  }
}

function readOutput(flags: FlagValues): 'text' | 'json' {
  const output = flags['output'] ?? 'text';
  if (output === 'text' || output === 'json') return output;
  throw usageError(`unknown output "${String(output)}"`, 'use -o text or -o json');
}

async function tellJson(
  context: Context,
  units: readonly KnownUnit[],
  machines: readonly MachineBody[],
): Promise<ExitStatus> {
  const pictures = [];
  for (const unit of units) pictures.push(await pictureOf(context, unit, machines));
  context.screen.line(JSON.stringify(pictures.map(statusBody), null, 2));
  return 0;
}

/** All that the API knows of a unit besides its text. */
function statusBody({ unit, states, machines }: UnitPicture): object {
  const { options: _options, text: _text, ...known } = unit;
  const rows = (unit.machines ?? []).map((row) => {
    const state = states.find(({ machineID }) => machineID === row.machineID);
    const primaryIP = machines.find(({ id }) => id === row.machineID)?.primaryIP ?? null;
    const more = { primaryIP, load: state?.systemdLoadState ?? null, hash: state?.hash ?? null };
    const isOrphan = state?.orphan === true;
    return { ...row, ...more, ...(isOrphan ? { orphan: true } : {}) };
  });
  return { ...known, machines: rows };
}
