import type { Clock } from '../lib/clock.ts';
import type { FleetClient } from './client.ts';
import type { Flag, FlagValues } from './flag.ts';
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
  /** Tells what is done, for `--debug`; does nothing without it. */
  readonly trace: (line: string) => void;
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

/** What the program understands, as far as completion has to know. */
export interface Definitions {
  readonly commands: readonly Pick<Command, 'name' | 'summary' | 'operand' | 'flags'>[];
  readonly globalFlags: readonly Flag[];
}
