import type { Context, ExitStatus } from './command.ts';
import type { Place } from './places.ts';
import { runProgram } from './run-program.ts';
import { shellLine } from './shell-quote.ts';
import { prepareSsh } from './ssh.ts';

/** How to get to a machine, and who speaks. */
export interface WayThere {
  /** Flags of ssh itself. */
  readonly flags: readonly string[];
  readonly port: number | null;
  /** Whether what is typed goes to the machine. */
  readonly hasInput: boolean;
  readonly linePrefix?: string;
}

/** Runs a program on a machine of the cluster: by ssh, or directly when it is this one. */
export async function runOnMachine(
  context: Context,
  place: Place,
  argv: readonly string[],
  way: WayThere,
): Promise<ExitStatus> {
  if (place.id !== context.here.machineId()) return sshTo(context, place, shellLine(argv), way);
  const { flags: _flags, port: _port, ...program } = way;
  return runProgram(context, { argv, ...program });
}

/** Runs a line of the shell on a machine by ssh, or opens a shell there. */
export async function sshTo(
  context: Context,
  place: Place,
  command: string | null,
  { flags, port, ...program }: WayThere,
): Promise<ExitStatus> {
  const { ssh, here, screen } = context;
  const target = { user: null, host: place.address, port };
  using prepared = prepareSsh(ssh, { target, flags, command }, here.environment);
  const status = await runProgram(context, { argv: prepared.argv, ...program });
  if (status === sshFailed && !flags.includes('-t')) {
    screen.error(`ssh to ${place.name} ended with ${status}, which is how it says that it failed`);
    const jump = ssh.tunnel === null ? '' : `-J ${ssh.tunnel.host} `;
    const who = `${ssh.username ?? 'core'}@${place.address}`;
    screen.note(`does "ssh ${jump}${who}" work? What it said above is why not`);
  }
  return status;
}

/** ssh's own exit status when it did not get there; on a terminal also for a command's Ctrl-C. */
const sshFailed = 255;
