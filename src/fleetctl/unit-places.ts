import type { MachineBody } from '../api/schema.ts';
import type { Context, ExitStatus } from './command.ts';
import { CommandError, usageError } from './command-error.ts';
import type { FlagValues } from './flag.ts';
import type { KnownUnit } from './named-units.ts';
import { machineNamed, type Nowhere, type Place, placesOf, type UnitPicture } from './places.ts';
import { parsePort } from './ssh-settings.ts';

/** What the API says of a unit now. */
export async function pictureOf(
  context: Context,
  { name, body }: KnownUnit,
  machines: readonly MachineBody[],
): Promise<UnitPicture> {
  return { unit: body, states: await context.client().listStates(name), machines };
}

/** Where a unit is; only on the machine `--machine` names, if it names one. Throws CommandError. */
export function placesWanted(picture: UnitPicture, flags: FlagValues): readonly Place[] {
  const found = placesOf(picture);
  if (!found.ok) throw nowhereError(found.error);
  const wanted = flags['machine'];
  if (typeof wanted !== 'string') return found.value;
  const machine = machineWanted(wanted, picture.machines);
  const here = found.value.filter(({ id }) => id === machine.id);
  if (here.length > 0) return here;
  throw new CommandError(`${picture.unit.name} is not on ${machine.name}`, {
    hint: `it is on ${found.value.map(({ name }) => name).join(', ')}`,
  });
}

/** The machine that a text names. Throws CommandError when it names none, or several. */
export function machineWanted(text: string, machines: readonly MachineBody[]): Place {
  const found = machineNamed(text, machines);
  if (!found.ok) throw nowhereError(found.error);
  if (found.value !== null) return found.value;
  throw new CommandError(`there is no machine ${text}`, {
    hint: 'fleetctl list-machines --full shows the ids of those that are there',
  });
}

/** Says why a unit or a machine cannot be reached. */
export function nowhereError({ lines, hint }: Nowhere): CommandError {
  return new CommandError(lines.join('\n'), { hint });
}

/** Reads `--ssh-port`; null: as ssh's configuration says. */
export function readSshPort(flags: FlagValues): number | null {
  const text = flags['sshPort'];
  if (typeof text !== 'string') return null;
  const port = parsePort(text);
  if (port !== null) return port;
  throw usageError(`--ssh-port: "${text}" is not a port`, 'write a number from 1 to 65535');
}

/**
 * Runs something on machines in turn, each under a header in the words of `tail` when there are
 * several. The first status that is not 0 is that of all.
 */
export async function inTurn(
  { screen }: Context,
  name: string,
  places: readonly Place[],
  run: (place: Place) => Promise<ExitStatus>,
): Promise<ExitStatus> {
  let result: ExitStatus = 0;
  for (const [index, place] of places.entries()) {
    if (index > 0) screen.line('');
    if (places.length > 1) screen.line(`==> ${name} on ${place.name} <==`);
    const status = await run(place);
    result ||= status;
  }
  return result;
}
