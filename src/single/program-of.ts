import { basename } from 'node:path';

/** The programs in the executable, each a link to it on a machine. */
export const programs = ['fleetd', 'fleetctl', 'fleet-cloudinit'] as const;
export type Program = (typeof programs)[number];

/** How the executable was started. */
export interface Start {
  /** argv[0] as the caller gave it: `fleetctl`, `/usr/bin/fleetd`. */
  readonly startedAs: string;
  readonly args: readonly string[];
}

/** The program that is meant, null for none, and its arguments: `fleet fleetctl …` will do, too. */
export function programOf({ startedAs, args }: Start): {
  readonly program: Program | null;
  readonly rest: readonly string[];
} {
  const byName = named(basename(startedAs));
  if (byName !== null) return { program: byName, rest: args };
  const [first = '', ...rest] = args;
  const byArgument = named(first);
  return byArgument === null ? { program: null, rest: args } : { program: byArgument, rest };
}

function named(name: string): Program | null {
  return programs.find((program) => program === name) ?? null;
}
