import { spawn } from 'node:child_process';
import { signalThrough } from './process-table.ts';
import { signalNumber } from './run.ts';
import { labFailed } from './trouble.ts';

const signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'];

/**
 * Runs a program on this command's own standard input, output and error, and passes on the signals
 * that this command gets. Returns its exit status, 128 + N when signal N ended it.
 */
export function attach(argv: readonly string[]): Promise<number> {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { stdio: 'inherit', cwd: '/' });
  const forward = (signal: NodeJS.Signals): void => {
    // A terminal sends these two to all of its programs by itself.
    if (process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
    if (child.pid !== undefined) signalThrough(child.pid, signal);
  };
  for (const signal of signals) process.on(signal, forward);
  return new Promise((resolve, reject) => {
    child.on('error', (error) =>
      reject(labFailed(`${program} did not start: ${error.message}`, 'is it installed?', error)),
    );
    child.on('exit', (code, signal) => {
      for (const name of signals) process.off(name, forward);
      resolve(code ?? 128 + signalNumber(signal));
    });
  });
}
