import type { UnitBody } from '../api/schema.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import { type UnitName, unitNameFromArgument } from '../unitfile/unit-name.ts';
import type { FleetClient } from './client.ts';
import type { Context } from './command.ts';
import { CommandError } from './command-error.ts';
import { inParallel } from './in-parallel.ts';
import { limits } from './limits.ts';

/** An argument, and the unit it names. */
export interface NamedArgument {
  readonly argument: string;
  readonly name: Result<UnitName, string>;
}

/** A unit of the cluster. */
export interface KnownUnit {
  readonly name: UnitName;
  readonly body: UnitBody;
  /** What names it on the command line. */
  readonly argument: string;
}

/** Each unit once, however often it is named. */
export function distinctNames(args: readonly string[]): readonly NamedArgument[] {
  const named = new Map<string, NamedArgument>();
  for (const argument of args) {
    const name = unitNameFromArgument(argument);
    const key = name.ok ? name.value : argument;
    if (!named.has(key)) named.set(key, { argument, name });
  }
  return [...named.values()];
}

/**
 * The units that arguments name, all of them known to the cluster. Throws CommandError when one is
 * not: a slip of the pen must not stop or destroy half of what was meant.
 */
export async function knownUnits(
  context: Context,
  args: readonly string[],
): Promise<readonly KnownUnit[]> {
  const cluster = new Cluster(context.client());
  const distinct = distinctNames(args);
  await cluster.foresee(distinct);
  const found = await inParallel(distinct, limits.requestCountMax, async (named) => {
    if (!named.name.ok) return fail(named.name.error);
    const name = named.name.value;
    const body = await cluster.get(name);
    return body === null
      ? fail(`there is no unit ${name}`)
      : ok({ name, body, argument: named.argument });
  });
  const problems = found.flatMap((one) => (one.ok ? [] : [one.error]));
  if (problems.length > 0) {
    const rest = found.length > problems.length ? ', and nothing was done to the others' : '';
    throw new CommandError(`${problems.join('; ')}${rest}`, {
      hint: 'fleetctl list-unit-files shows what is there',
    });
  }
  return found.flatMap((one) => (one.ok ? [one.value] : []));
}

/** Units of the cluster, each asked for once a command. */
export class Cluster {
  readonly #client: FleetClient;
  readonly #asked = new Map<UnitName, Promise<UnitBody | null>>();

  constructor(client: FleetClient) {
    this.#client = client;
  }

  /** Asks for many units in few requests; a few are asked for one by one. */
  async foresee(named: readonly NamedArgument[]): Promise<void> {
    if (named.length <= limits.singleReadCountMax) return;
    const names = named.flatMap(({ name }) => (name.ok ? [name.value] : []));
    const units = await this.#client.getUnits(names, 'whole');
    for (const name of names) this.#asked.set(name, Promise.resolve(units.get(name) ?? null));
  }

  /** null: the cluster does not know it. */
  get(name: UnitName): Promise<UnitBody | null> {
    const asked = this.#asked.get(name) ?? this.#client.getUnit(name);
    this.#asked.set(name, asked);
    return asked;
  }
}
