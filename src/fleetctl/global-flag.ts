import { usageError } from './command-error.ts';
import type { Flag } from './flag.ts';
import { parseSwitch } from './switches.ts';

/** A flag of every command; each can be given as FLEETCTL_<FLAG> as well. */
export interface GlobalFlag extends Flag {
  readonly key: string;
  readonly variable: string;
}

/** A value that was given, and the flag or the variable it came by. */
export interface Given {
  readonly text: string;
  readonly from: string;
}

/** The values that were given, by the key of their flag. */
export type GivenFlags = ReadonlyMap<string, Given>;

/** Collects what was given: a flag wins over the environment, an empty variable is none. */
export function givenFlags(
  flags: readonly GlobalFlag[],
  values: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): GivenFlags {
  const given = new Map<string, Given>();
  for (const { usage, key, variable } of flags) {
    const flag = usage.split(' ')[0] ?? usage;
    const value = values[key];
    const inherited = environment[variable];
    if (typeof value === 'string') given.set(key, { text: value, from: flag });
    else if (value === true) given.set(key, { text: 'true', from: flag });
    else if (inherited !== undefined && inherited !== '') {
      given.set(key, { text: inherited, from: variable });
    }
  }
  return given;
}

/** True or false; false where nothing was given. Throws CommandError with status 2. */
export function readSwitch(given: Given | undefined): boolean {
  if (given === undefined) return false;
  const value = parseSwitch(given.text);
  if (value !== null) return value;
  throw usageError(
    `${given.from}: "${given.text}" is neither true nor false`,
    'write true or false',
  );
}
