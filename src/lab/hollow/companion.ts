import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { systemClock } from '../../lib/clock.ts';

const limits = { endMs: 10_000 } as const;

/**
 * Starts a program beside this one, in a group of its own: Ctrl-C is for whoever started it, who ends
 * it last. The kernel ends it when this one is gone, however it went.
 */
export function startCompanion(argv: readonly string[], options: SpawnOptions): ChildProcess {
  const words = ['--pdeathsig', 'KILL', ...argv];
  return spawn('setpriv', words, { ...options, detached: true });
}

/** Asks a program to end, and makes it when it does not. */
export async function endCompanion(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const cancel = systemClock.after(limits.endMs, () => child.kill('SIGKILL'));
  child.kill('SIGTERM');
  await exit;
  cancel();
}
