import type { MachineBody, UnitBody, UnitOptionBody, UnitStateBody } from '../api/schema.ts';
import { readRequirements } from '../unitfile/requirements.ts';
import { parseUnitFile, textFromOptions, unitOptions } from '../unitfile/unit-file.ts';
import { unitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** `restartCount` of a unit of a fleetd that cannot restart: one of fleet 1.0. */
const cannotRestart = -1;

/** What every fleetd says of a unit. */
export type PlainUnitBody = Pick<UnitBody, 'name' | 'desiredState' | 'currentState'> &
  Partial<UnitBody>;

/** Whether a fleetd says all of a unit that ours says; that of fleet 1.0 does not. */
export function isComplete(body: PlainUnitBody): body is UnitBody {
  return body.machines !== undefined && body.restartCount !== undefined;
}

/**
 * A unit with what the fleetd of fleet 1.0 leaves out, as far as it follows from the rest and from
 * what its machines say of it, `states`.
 */
export function completeUnit(body: PlainUnitBody, states: readonly UnitStateBody[] = []): UnitBody {
  if (isComplete(body)) return body;
  const { name, desiredState, machineID } = body;
  const options = body.options ?? [];
  const text = body.text ?? textFromOptions(options);
  const isPlaced = machineID !== undefined && machineID !== '';
  const hash = body.hash ?? unitHash(options);
  const own = states.find((state) => state.machineID === machineID);
  // Its `launched` outlives the content that was launched: only the machine's hash tells.
  const isOld = own !== undefined && own.hash !== '' && own.hash !== hash;
  const currentState = isOld ? 'inactive' : body.currentState;
  return {
    ...{ name, desiredState, currentState, options, text, hash },
    ...(isPlaced ? { machineID } : {}),
    global: body.global ?? isGlobal(name, text),
    restartCount: body.restartCount ?? cannotRestart,
    placement: body.placement ?? null,
    machines: body.machines ?? rowsOf({ currentState, ...(isPlaced ? { machineID } : {}) }, states),
  };
}

/** What `UnitBody` says of machines; that of its own machine is there as soon as it has one. */
function rowsOf(
  { currentState, machineID }: Pick<UnitBody, 'currentState' | 'machineID'>,
  states: readonly UnitStateBody[],
): UnitBody['machines'] {
  const rows = states.map((state) => {
    const active = state.systemdActiveState;
    const guess = active === 'active' ? ('launched' as const) : ('loaded' as const);
    const current = state.machineID === machineID ? currentState : guess;
    const row = { machineID: state.machineID, currentState: current, active };
    return { ...row, sub: state.systemdSubState, problem: null };
  });
  if (machineID === undefined || rows.some((row) => row.machineID === machineID)) return rows;
  return [...rows, { machineID, currentState, active: '-', sub: '-', problem: null }];
}

/** A row of `GET /state` with what fleet 1.0 leaves out: whatever is empty. */
export function completeState(row: Partial<UnitStateBody>): UnitStateBody {
  const words = { systemdLoadState: '', systemdActiveState: '', systemdSubState: '' };
  return { name: '', hash: '', machineID: '', ...words, problem: null, ...row };
}

/** A row of `GET /machines`, likewise. */
export function completeMachine(row: Partial<MachineBody>): MachineBody {
  return { id: '', primaryIP: '', metadata: {}, version: '', ...row };
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

function isGlobal(name: string, text: string): boolean {
  const file = parseUnitFile(text);
  const read = file.ok ? readRequirements(file.value, name as UnitName) : null;
  return read?.ok === true && read.value.requirements.global;
}
