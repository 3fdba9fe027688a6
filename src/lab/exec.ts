import { groupsOfProcess, joinArgv } from './cgroup.ts';
import { initOf } from './machine-process.ts';
import type { MachineRecord } from './record.ts';
import { machineNamed, readLab } from './record.ts';
import type { RunOptions, RunResult } from './run.ts';
import { run } from './run.ts';
import { labFailed } from './trouble.ts';

/** What a login of root would have; nothing of this computer's environment goes along but TERM. */
const environment = [
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'USER=root',
  'LOGNAME=root',
  'SHELL=/bin/bash',
  'LANG=C.UTF-8',
];

// Waits for the program, which is in the machine while the shell is not. nsenter would wait as well,
// but stops itself once its program is stopped: a shutdown stops every process before it ends them,
// and a dead one that nobody collects then keeps the machine from ever being off. What the shell
// itself has to say ("Killed") is kept to itself.
const waitScript = `trap : INT QUIT
exec 3>&2 2>/dev/null
(exec "$0" "$@" 2>&3 3>&-)
exit $?`;

/** The words that run `argv` inside a machine. Throws `lab/failed` when it does not run. */
export function enterArgv(machine: MachineRecord, argv: readonly string[]): readonly string[] {
  const pid = initOf(machine);
  if (pid === null) {
    throw labFailed(`${machine.name} is off`, `'fleetlab boot ${machine.name}' switches it on`);
  }
  const enter = ['nsenter', '-t', String(pid), '-m', '-u', '-i', '-n', '-p', '-C', '--no-fork'];
  const term = `TERM=${process.env['TERM'] ?? 'dumb'}`;
  const inside = ['env', '-i', '-C', '/root', ...environment, term, ...argv];
  return joinArgv(groupsOfProcess(pid), [...enter, '--', '/bin/sh', '-c', waitScript, ...inside]);
}

/**
 * Runs `argv` in the machine of that name to its end. A status other than 0 is an answer; throws
 * `lab/failed` when the machine does not run, or when the program does not end in time.
 */
export async function execIn(
  lab: string,
  machineName: string,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  return runInside(machineNamed(readLab(lab), machineName), argv, options);
}

/** Runs `argv` in a machine to its end. A status other than 0 is an answer, not an error. */
export function runInside(
  machine: MachineRecord,
  argv: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const title = `${machine.name}: ${argv.join(' ')}`;
  return run(enterArgv(machine, argv), { title, ...options });
}
