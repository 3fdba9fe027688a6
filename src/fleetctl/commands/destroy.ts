import type { UnitName } from '../../unitfile/unit-name.ts';
import type { FleetClient } from '../client.ts';
import type { Command } from '../command.ts';
import { usageError } from '../command-error.ts';
import { destroyOrphans } from '../destroy-orphans.ts';
import { inParallel } from '../in-parallel.ts';
import { limits } from '../limits.ts';
import { knownUnits } from '../named-units.ts';
import { sendAll } from '../send.ts';
import type { Verdict } from '../verdict.ts';
import { MachineLookup, readAwaited, waitForUnits } from '../wait.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { knownUnitOperand } from './shared-flags.ts';

/** `fleetctl destroy`: stops units and forgets them. */
export const destroy: Command = {
  name: 'destroy',
  summary: 'stop units and remove them from the cluster',
  description:
    'Stops units and removes them from the cluster. Waits until no machine has them any more; ' +
    'with --no-block only until the cluster has taken note. With --orphan, takes down units that ' +
    'a machine runs though the cluster knows nothing of them.',
  operand: knownUnitOperand,
  flags: [
    { usage: '--orphan', what: 'units that run without an order; list-units tells which' },
    {
      usage: '--machine <id>',
      what: 'with --orphan: on this machine; the first digits of its id will do',
    },
    ...waitFlags,
  ],
  examples: [
    'fleetctl destroy web.service',
    'fleetctl destroy web@{1..3}.service',
    'fleetctl destroy --orphan --machine 1111abcd old.service',
  ],
  async run(context, operands, flags) {
    const wait = readWaitFlags(flags);
    const machine = typeof flags['machine'] === 'string' ? flags['machine'] : null;
    if (flags['orphan'] === true) return destroyOrphans(context, operands, { machine, wait });
    if (machine !== null) {
      throw usageError('--machine goes with --orphan', 'a unit is destroyed wherever it is');
    }
    const units = await knownUnits(context, operands);
    const client = context.client();
    const names = units.map(({ name }) => name);
    const sent = await sendAll(context, names, (name) => client.destroyUnit(name));
    const destroyed = names.filter((name) => sent.has(name));
    if (!wait.isWaiting) for (const name of destroyed) context.screen.line(`Destroyed ${name}`);
    const late = await waitForUnits(context, {
      names: wait.isWaiting ? destroyed : [],
      goal: 'destroyed',
      limitMs: wait.limitMs,
      look: lookingForTraces(client),
    });
    return destroyed.length === names.length && late.length === 0 ? 0 : 1;
  },
};

/** A unit is gone when no machine says anything of it, or when somebody submitted it anew. */
function lookingForTraces(
  client: FleetClient,
): (names: readonly UnitName[]) => Promise<ReadonlyMap<UnitName, Verdict>> {
  const machines = new MachineLookup(client);
  return async (names) => {
    const places = await readPlaces(client, names);
    const known = await machines.namesFor([...places.values()].flat());
    const anew = await readAwaited(
      client,
      names.filter((name) => places.has(name)),
    );
    return new Map(
      names.map((name): [UnitName, Verdict] => {
        const there = places.get(name) ?? [];
        const isGone = there.length === 0 || (anew.get(name) ?? null) !== null;
        if (isGone) return [name, { kind: 'reached', text: `Destroyed ${name}` }];
        const where = there.map((id) => known.full(id)).join(', ');
        return [name, { kind: 'underway', text: `it is still being taken off ${where}` }];
      }),
    );
  };
}

/** The machines that still have units. */
async function readPlaces(
  client: FleetClient,
  names: readonly UnitName[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const isFew = names.length <= limits.singleReadCountMax;
  const states = isFew
    ? (await inParallel(names, limits.requestCountMax, (name) => client.listStates(name))).flat()
    : await client.listStates();
  const places = new Map<string, string[]>();
  for (const { name, machineID } of states) {
    places.set(name, [...(places.get(name) ?? []), machineID]);
  }
  return places;
}
