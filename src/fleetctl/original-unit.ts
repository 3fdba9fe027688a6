import type { UnitBody, UnitOptionBody } from '../api/schema.ts';
import { readRequirements } from '../unitfile/requirements.ts';
import { parseUnitFile, textFromOptions, unitOptions } from '../unitfile/unit-file.ts';
import { unitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** `restartCount` of a unit of a fleetd that cannot restart: one of fleet 1.0. */
const cannotRestart = -1;

/** What every fleetd says of a unit. */
export type PlainUnitBody = Pick<UnitBody, 'name' | 'desiredState' | 'currentState'> &
  Partial<UnitBody>;

/** A unit with what the fleetd of fleet 1.0 leaves out, as far as it follows from the rest. */
export function completeUnit(body: PlainUnitBody): UnitBody {
  if (isComplete(body)) return body;
  const { name, desiredState, currentState, machineID } = body;
  const options = body.options ?? [];
  const text = body.text ?? textFromOptions(options);
  const isPlaced = machineID !== undefined && machineID !== '';
  return {
    ...{ name, desiredState, currentState, options, text },
    ...(isPlaced ? { machineID } : {}),
    hash: body.hash ?? unitHash(options),
    global: body.global ?? isGlobal(name, text),
    restartCount: body.restartCount ?? cannotRestart,
    placement: body.placement ?? null,
    machines:
      body.machines ??
      (isPlaced ? [{ machineID, currentState, active: '-', sub: '-', problem: null }] : []),
  };
}

/** The options that stand in a text; none when it is not understood, which fleetd will say. */
export function optionsOf(text: string): readonly UnitOptionBody[] {
  const file = parseUnitFile(text);
  return file.ok ? unitOptions(file.value) : [];
}

/** Whether the fleetd that gave this unit can start it anew by itself. */
export function canRestart({ restartCount }: UnitBody): boolean {
  return restartCount !== cannotRestart;
}

function isComplete(body: PlainUnitBody): body is UnitBody {
  return body.machines !== undefined && body.restartCount !== undefined;
}

function isGlobal(name: string, text: string): boolean {
  const file = parseUnitFile(text);
  const read = file.ok ? readRequirements(file.value, name as UnitName) : null;
  return read?.ok === true && read.value.requirements.global;
}
