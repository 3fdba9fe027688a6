import { readdirSync, readFileSync } from 'node:fs';

/** One process and no other: a pid may be used again, a pid with its start time is not. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/PID/stat: clock ticks from the computer's boot to the process's start. */
  readonly startTicks: string;
}

/** Who runs under that pid now; null for nobody, or for a dead process nobody has collected. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readOrNull(`/proc/${pid}/stat`);
  if (stat === null) return null;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state, startTicks] = [fields[0], fields[19]];
  if (startTicks === undefined || state === 'Z' || state === 'X') return null;
  return { pid, startTicks };
}

/** Does that very process still run? */
export function isAlive(process: ProcessIdentity | null): process is ProcessIdentity {
  return process !== null && identify(process.pid)?.startTicks === process.startTicks;
}

/** The children of a process, in this computer's numbering. */
export function childrenOf(pid: number): readonly number[] {
  return numbersIn(readOrNull(`/proc/${pid}/task/${pid}/children`) ?? '');
}

/** The child that is PID 1 of a machine: nspawn has exactly one once the machine's init runs. */
export function initBelow(nspawnPid: number): number | null {
  const isInit = (pid: number): boolean =>
    /^NSpid:\s+\d+\s+1$/m.test(readOrNull(`/proc/${pid}/status`) ?? '');
  return childrenOf(nspawnPid).find(isInit) ?? null;
}

/** All processes that were started with `NAME=VALUE` in their environment. */
export function processesWithVariable(assignment: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => readOrNull(`/proc/${pid}/environ`)?.split('\0').includes(assignment))
    .map(Number);
}

/** Sends a signal; false when the process has gone meanwhile, which callers want anyway. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * Sends a signal to the children of a process, or to it when it has none. What enters a machine
 * only waits for its child, the program in there: that one is meant, and who waits ends with it.
 */
export function signalThrough(pid: number, signal: NodeJS.Signals): void {
  const children = childrenOf(pid);
  for (const target of children.length > 0 ? children : [pid]) sendSignal(target, signal);
}

/** A file of /proc or /sys; null when what it describes has gone. */
export function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** The numbers of a text that holds them one a line or one a word. */
export function numbersIn(text: string): readonly number[] {
  return text.split(/\s+/).filter(Boolean).map(Number);
}
