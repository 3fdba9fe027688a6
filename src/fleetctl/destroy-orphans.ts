import { FleetError } from '../lib/error.ts';
import { byText } from '../lib/order.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Context, ExitStatus } from './command.ts';
import { CommandError } from './command-error.ts';
import { inParallel } from './in-parallel.ts';
import { limits } from './limits.ts';
import { MachineNames, shortMachine } from './machine-names.ts';
import { distinctNames } from './named-units.ts';
import { machineNamed } from './places.ts';
import { sendAll } from './send.ts';
import type { Verdict } from './verdict.ts';
import { waitForUnits } from './wait.ts';
import type { WaitFlags } from './wait-flags.ts';

/** An orphan, and where it is. */
interface Orphan {
  readonly name: UnitName;
  readonly machine: string;
}

/**
 * `fleetctl destroy --orphan`: takes orphans down, each on one machine. All are looked up before
 * anything is asked for.
 */
export async function destroyOrphans(
  context: Context,
  args: readonly string[],
  how: { readonly machine: string | null; readonly wait: WaitFlags },
): Promise<ExitStatus> {
  const client = context.client();
  const machines = await client.listMachines();
  const place = how.machine === null ? null : machineNamed(how.machine, machines);
  if (place !== null && (!place.ok || place.value === null)) {
    const lines = place.ok ? [`there is no machine ${how.machine}`] : place.error.lines;
    const hint = place.ok ? 'fleetctl list-machines shows which there are' : place.error.hint;
    throw new CommandError(lines.join('; '), { hint });
  }
  const machine = place?.ok === true ? (place.value?.id ?? null) : null;
  const orphans = await findOrphans(context, args, machine);
  const places = new Map(orphans.map((orphan) => [orphan.name, orphan.machine]));
  const sent = await sendAll(context, [...places.keys()], async (name) => {
    const outcome = await client.removeOrphan(name, places.get(name) ?? '');
    if (outcome === 'missing') throw noLonger(name);
  });
  const names = new MachineNames(machines);
  const asked = orphans.filter(({ name }) => sent.has(name));
  if (!how.wait.isWaiting) {
    for (const one of asked) context.screen.line(`Triggered the end of ${words(one, names)}`);
  }
  const late = await waitForUnits(context, {
    names: how.wait.isWaiting ? asked.map(({ name }) => name) : [],
    goal: 'destroyed',
    limitMs: how.wait.limitMs,
    look: (open) => lookForTraces(context, open, { places, names }),
  });
  return asked.length === orphans.length && late.length === 0 ? 0 : 1;
}

/** The one copy that each name means. Throws CommandError when there is none, or are several. */
async function findOrphans(
  context: Context,
  args: readonly string[],
  machine: string | null,
): Promise<readonly Orphan[]> {
  const client = context.client();
  const problems: string[] = [];
  const found = await inParallel(distinctNames(args), limits.requestCountMax, async (named) => {
    if (!named.name.ok) return problems.push(named.name.error);
    const name = named.name.value;
    const [states, unit] = await Promise.all([client.listStates(name), client.getUnit(name)]);
    const ids = states
      .filter((row) => row.orphan === true || unit === null)
      .map(({ machineID }) => machineID)
      .filter((id) => machine === null || id === machine)
      .sort(byText);
    const [first, ...others] = ids;
    if (first !== undefined && others.length === 0) return { name, machine: first };
    return problems.push(
      first === undefined
        ? `there is no orphan ${name}${machine === null ? '' : ` on ${shortMachine(machine)}`}`
        : `${name} is an orphan on ${ids.length} machines: ${ids.map(shortMachine).join(', ')}`,
    );
  });
  if (problems.length > 0) {
    throw new CommandError(problems.sort(byText).join('; '), {
      hint: 'fleetctl list-units --fields unit,machine,note shows them; --machine chooses one',
    });
  }
  return found.flatMap((one) => (typeof one === 'number' ? [] : [one]));
}

/** It is gone when its machine says nothing of it any more. */
async function lookForTraces(
  context: Context,
  open: readonly UnitName[],
  known: { readonly places: ReadonlyMap<UnitName, string>; readonly names: MachineNames },
): Promise<ReadonlyMap<UnitName, Verdict>> {
  const client = context.client();
  const looks = await inParallel(open, limits.requestCountMax, async (name) => {
    const machine = known.places.get(name) ?? '';
    const what = words({ name, machine }, known.names);
    const isThere = (await client.listStates(name)).some((row) => row.machineID === machine);
    const verdict: Verdict = isThere
      ? { kind: 'underway', text: `${known.names.full(machine)} has not removed it yet` }
      : { kind: 'reached', text: `Destroyed ${what}` };
    return [name, verdict] as const;
  });
  return new Map(looks);
}

function words({ name, machine }: Orphan, names: MachineNames): string {
  return `orphan ${name} on ${names.full(machine)}`;
}

function noLonger(name: UnitName): FleetError {
  return new FleetError(`${name} is no orphan any more`, {
    code: 'api/refused',
    retry: 'never',
    hint: 'fleetctl list-units shows where it runs now',
  });
}
