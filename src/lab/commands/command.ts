// commands: what a user types after `fleetlab`, a file a command or a few that belong together.
// Reads words and prints words; what is done is done by the typed calls of the folder above.
// Start with ../program.ts, which lists them.
import type { Command } from 'commander';
import type { LabContext } from '../lab.ts';

/** What each command is handed. */
export interface Shell {
  /** The lab that `--lab` or FLEETLAB_NAME names, and how to say what goes on. */
  context(): LabContext;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Sets the exit status of the program; 0 when nobody does. */
  exitWith(status: number): void;
}

/** Adds one or a few commands to the program. */
export type AddCommands = (program: Command, shell: Shell) => void;
