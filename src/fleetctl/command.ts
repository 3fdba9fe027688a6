import type { Clock } from '../lib/clock.ts';
import type { FleetClient } from './client.ts';
import type { Definitions } from './completion/suggest.ts';
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
  /**
   * A client for a line that is still being typed: with its flags of every command, by their long
   * names, and another limit for each request. Throws CommandError when one of them is wrong.
   */
  clientWith(globals: ReadonlyMap<string, string>, requestTimeoutMs: number): FleetClient;
  /** All that the program understands, for completion. */
  readonly definitions: Definitions;
}

/** Names of what a word may stand for, for completion. */
export type Completes = 'units' | 'machines' | 'files' | 'units and files' | 'commands';

/** The flags of one command, by their camel-cased name. Values are texts, or true for switches. */
export type FlagValues = Readonly<Record<string, unknown>>;

/** A flag, or an operand, as its help shows it. */
export interface Flag {
  /** As commander writes it: `--timeout <time>`. */
  readonly usage: string;
  readonly what: string;
  /** The values it may have, when they are few. */
  readonly values?: readonly string[];
  /** What its values name; absent: as its placeholder says, `<unit>`, `<machine>` or `<file>`. */
  readonly completes?: Completes;
}

/** One command of fleetctl, complete. */
export interface Command {
  readonly name: string;
  /** One line of `fleetctl help`. */
  readonly summary: string;
  /** What its own help says besides. */
  readonly description: string;
  /** As commander writes it: `<unit...>`; null when it takes none. */
  readonly operand: Flag | null;
  /** What follows the first operand and is not for fleetctl to read. */
  readonly rest?: Flag;
  readonly flags: readonly Flag[];
  readonly examples: readonly string[];
  /** Not listed by help. */
  readonly isHidden?: boolean;
  run(context: Context, operands: readonly string[], flags: FlagValues): Promise<ExitStatus>;
}
