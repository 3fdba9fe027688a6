import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const labMain = fileURLToPath(new URL('../../src/lab/main.ts', import.meta.url));

/**
 * Takes the lab down once this process has ended, however it ends: a shell of its own session reads
 * from a pipe of which only this process holds the other end.
 */
export function guardLab(lab: string): ChildProcess {
  const script = 'read -r _; exec "$@" >/dev/null 2>&1';
  const command = [process.execPath, labMain, '--lab', lab, 'down'];
  const guard = spawn('/bin/sh', ['-c', script, 'guard', ...command], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  return guard;
}
