import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import type { Readable } from 'node:stream';

/** Where what is typed comes from. */
export interface Input {
  readonly isTTY: boolean;
  /** Made on first use: a program that is run instead reads for itself. */
  stream(): Readable;
}

/** The machine and the terminal that fleetctl runs on. */
export interface Here {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: Input;
  /** Somebody types and sees: programs there may ask, and draw on the screen. */
  readonly isInteractive: boolean;
  /** The id of this machine; null where it has none. */
  machineId(): string | null;
}

/** The folder of `.fleetctl` and `~`. */
export function homeOf(environment: Here['environment']): string {
  return environment['HOME'] || homedir();
}

/** Reads `/etc/machine-id`, as fleetd does. */
export function readMachineId(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim() || null;
  } catch {
    return null; // then no machine of the cluster is this one
  }
}
