import type { UnitBody, UnitStateBody } from '../api/schema.ts';
import { byText } from '../lib/order.ts';
import type { Context } from './command.ts';
import { distinctNames, type KnownUnit, knownUnits } from './named-units.ts';

/** As `knownUnits`, and what machines run of a name that the cluster does not know. */
export async function knownOrOrphanUnits(
  context: Context,
  args: readonly string[],
): Promise<readonly KnownUnit[]> {
  const client = context.client();
  const orphans = new Map<string, KnownUnit>();
  const known: string[] = [];
  for (const { argument, name } of distinctNames(args)) {
    const unit = name.ok && (await client.getUnit(name.value)) === null ? name.value : null;
    const states = unit === null ? [] : await client.listStates(unit);
    const own = states.filter(({ orphan }) => orphan === true);
    if (unit === null || own.length === 0) known.push(argument);
    else orphans.set(argument, { name: unit, body: bodyOf(unit, own), argument });
  }
  const others = known.length === 0 ? [] : await knownUnits(context, known);
  const all = [...orphans.values(), ...others];
  return all.sort((one, other) => args.indexOf(one.argument) - args.indexOf(other.argument));
}

/** What its machines tell; of what is wanted nothing is known. */
function bodyOf(name: string, states: readonly UnitStateBody[]): UnitBody {
  const sorted = [...states].sort((one, other) => byText(one.machineID, other.machineID));
  return {
    ...{ name, options: [], text: '', global: false, restartCount: 0, placement: null },
    ...{ desiredState: 'inactive', currentState: 'inactive' },
    hash: sorted[0]?.hash ?? '',
    machines: sorted.map(({ machineID, systemdActiveState, systemdSubState, problem }) => ({
      ...{ machineID, active: systemdActiveState, sub: systemdSubState, problem },
      currentState: systemdActiveState === 'active' ? 'launched' : 'loaded',
    })),
  };
}
