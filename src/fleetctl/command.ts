import type { Clock } from '../lib/clock.ts';
import type { FleetClient } from './client.ts';
import type { Here } from './here.ts';
import type { Screen } from './screen.ts';
import type { SshSettings } from './ssh-settings.ts';

/**
 * 0: everything asked was done. 1: not. 2: the command line is wrong. What a program on a machine
 * ended with is handed on as it is.
 */
export type ExitStatus = number;

/** What a command works with. */
export interface Context {
  readonly screen: Screen;
  readonly clock: Clock;
  readonly here: Here;
  readonly ssh: SshSettings;
  /** Makes the client on first use: help and version do without. */
  client(): FleetClient;
}

/** The flags of one command, by their camel-cased name. Values are texts, or true for switches. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** A flag as its help shows it. */
export interface Flag {
  /** As commander writes it: `--timeout <time>`. */
  readonly usage: string;
  readonly what: string;
}

/** One command of fleetctl, complete. */
export interface Command {
  readonly name: string;
  /** One line of `fleetctl help`. */
  readonly summary: string;
  /** What its own help says besides. */
  readonly description: string;
  /** As commander writes it: `<unit...>`; null when it takes none. */
  readonly operand: { readonly usage: string; readonly what: string } | null;
  /** What follows the first operand and is not for fleetctl to read. */
  readonly rest?: { readonly usage: string; readonly what: string };
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  run(context: Context, operands: readonly string[], flags: FlagValues): Promise<ExitStatus>;
}
