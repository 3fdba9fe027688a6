import type { Catalog } from '../model/catalog.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import { printable } from '../unitfile/problem.ts';
import { parseUnitName } from '../unitfile/unit-name.ts';
import { type Answer, refused } from './answer.ts';
import { apiLimits } from './limits.ts';
import { type Query, queryText } from './page-query.ts';

/** `DELETE /orphans/NAME?machineID=`: records that an orphan is to be taken down. */
export async function deleteOrphan(
  catalog: Catalog,
  request: { readonly name: string; readonly query: Query },
  signal: AbortSignal,
): Promise<Answer> {
  const machine = queryText(request.query, 'machineID');
  if (!machine.ok) return refused(machine.error);
  const name = parseUnitName(request.name);
  if (!name.ok) return refused(noOrphan(request.name));
  const what = { unit: name.value, machine: machine.value as MachineId | null };
  const outcome = await catalog.removeOrphan(what, signal);
  if (outcome.kind === 'asked') return { status: 204, body: null };
  if (outcome.kind === 'missing') return refused(noOrphan(request.name));
  const machines = outcome.machines.map(shortId).join(', ');
  return refused({
    status: 409,
    message: `${name.value} is an orphan on ${outcome.machines.length} machines: ${machines}`,
    hint: 'say which one, with machineID= (fleetctl: --machine)',
  });
}

function noOrphan(nameText: string): Parameters<typeof refused>[0] {
  return {
    status: 404,
    message: `there is no orphan ${printable(nameText, apiLimits.echoLengthMax)}`,
    hint: 'fleetctl list-units --fields unit,machine,note shows which units are orphans',
  };
}
