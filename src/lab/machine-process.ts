import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok } from '../lib/result.ts';
import { groupsOf, joinArgv, processesIn, removeGroups } from './cgroup.ts';
import { linkOf } from './names.ts';
import type { ProcessIdentity } from './process-table.ts';
import { identify, initBelow, isAlive, sendSignal } from './process-table.ts';
import type { LabRecord, MachineRecord } from './record.ts';
import { labFolder, machineFolder } from './record.ts';
import { labFailed } from './trouble.ts';
import { until } from './until.ts';

/** How systemd speaks with the kernel about automounts; not there in a kernel without them. */
const autofsDevice = '/dev/autofs';

const limits = { initMs: 20_000, deathMs: 10_000 } as const;

/** In the environment of each process that a lab leaves running, so that `down` finds it. */
export function labMark(lab: string): string {
  return `FLOTILLA_LAB=${lab}`;
}

// $1: the machine's folder. All this is mounted in a mount namespace of its own and needs no
// clearing up, since it vanishes with its last process: the machine's root, and the folder in
// which systemd-nspawn keeps locks that it could not remove when it is killed.
const machineScript = `
folder=$1; shift
mkdir -p /run/systemd/nspawn && mount -t tmpfs -o mode=0755 flotilla-lab /run/systemd/nspawn &&
mount -t overlay flotilla-lab -o "lowerdir=/,upperdir=$folder/upper,workdir=$folder/work" \\
  "$folder/root" || exit 1
exec "$@"`;

/** Starts a machine's systemd-nspawn, which outlives this command, and returns it. */
export function startMachine(lab: LabRecord, machine: MachineRecord): ProcessIdentity {
  const folder = machineFolder(lab.name, machine.name);
  const link = linkOf(lab.index, machine.number);
  const nspawn = [
    'systemd-nspawn',
    '--quiet',
    '--boot',
    `--directory=${join(folder, 'root')}`,
    `--machine=${link}`,
    `--hostname=${machine.name}`,
    '--register=no',
    '--keep-unit',
    `--network-namespace-path=/run/netns/${link}`,
    '--link-journal=no',
    '--resolv-conf=off',
    '--timezone=off',
    '--console=pipe',
    // With it, systemd can start automount units, as on a machine of its own.
    ...(existsSync(autofsDevice) ? [`--bind=${autofsDevice}`] : []),
  ];
  const wrapped = ['sh', '-c', machineScript, 'machine', folder, ...nspawn];
  const argv = ['unshare', '--mount', '--propagation', 'private', ...wrapped];
  return startDetached(lab.name, machine.name, argv, join(folder, 'console.log'), {});
}

/**
 * Starts a program of the lab in its own session and control group, its output in a file.
 * `member` names its group.
 */
export function startDetached(
  lab: string,
  member: string,
  argv: readonly string[],
  logPath: string,
  environment: Readonly<Record<string, string>>,
): ProcessIdentity {
  const groups = groupsOf(lab, member);
  for (const group of groups) mkdirSync(group, { recursive: true });
  const [program = '', ...args] = joinArgv(groups, argv);
  const log = openSync(logPath, 'a', 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', log, log],
      cwd: labFolder(lab),
      env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', FLOTILLA_LAB: lab, ...environment },
    });
    child.unref();
    const started = child.pid === undefined ? null : identify(child.pid);
    if (started !== null) return started;
  } finally {
    closeSync(log);
  }
  throw labFailed(`${argv[0] ?? 'a program'} did not start`, `see ${logPath}`);
}

/** PID 1 of a machine, in this computer's numbering; null when the machine does not run. */
export function initOf(machine: MachineRecord): number | null {
  return isAlive(machine.process) ? initBelow(machine.process.pid) : null;
}

/** Waits until a machine's systemd can be asked things, and returns its PID. */
export function initStarted(
  lab: LabRecord,
  machine: MachineRecord,
  signal?: AbortSignal,
): Promise<number> {
  const log = join(machineFolder(lab.name, machine.name), 'console.log');
  const wait = { what: `${machine.name}: systemd started`, timeoutMs: limits.initMs };
  return until({ ...wait, ...(signal && { signal }) }, () => {
    if (!isAlive(machine.process)) {
      throw labFailed(`${machine.name} ended while it started: ${lastLine(log)}`, `see ${log}`);
    }
    const pid = initOf(machine);
    if (pid === null) return fail('it has no PID 1 yet');
    const isListening = existsSync(`/proc/${pid}/root/run/systemd/private`);
    return isListening ? ok(pid) : fail('its systemd does not listen yet');
  });
}

/** Ends a machine at once, as a power cut would: nobody inside gets to do anything. */
export async function cutPower(lab: LabRecord, machine: MachineRecord): Promise<void> {
  const pid = initOf(machine);
  if (pid !== null) sendSignal(pid, 'SIGKILL');
  await machineEnded(lab, machine, limits.deathMs);
}

/** Waits until nothing of a machine runs, and removes its control group. */
export async function machineEnded(
  lab: LabRecord,
  machine: MachineRecord,
  timeoutMs: number,
): Promise<void> {
  const groups = groupsOf(lab.name, machine.name);
  await until({ what: `${machine.name}: all processes ended`, timeoutMs }, () => {
    if (isAlive(machine.process)) return fail('its systemd-nspawn runs');
    for (const pid of processesIn(groups)) sendSignal(pid, 'SIGKILL');
    return removeGroups(groups) ? ok(null) : fail('a process holds its control group');
  });
}

function lastLine(path: string): string {
  return readFileSync(path, 'utf8').trim().split('\n').at(-1) ?? '';
}
