import { spawn } from 'node:child_process';
import { childrenOf, sendSignal } from './process-table.ts';
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
    if (child.pid !== undefined) passOn(child.pid, signal);
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

/** nsenter only waits for its child, which is the program in the machine: that one is meant. */
function passOn(pid: number, signal: NodeJS.Signals): void {
  const children = childrenOf(pid);
  for (const target of children.length > 0 ? children : [pid]) sendSignal(target, signal);
}
