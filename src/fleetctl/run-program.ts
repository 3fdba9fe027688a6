import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { messageOf } from '../lib/error.ts';
import type { Context, ExitStatus } from './command.ts';
import { CommandError, usageError } from './command-error.ts';
import type { Output } from './screen.ts';

const limits = {
  /** A signal for all processes of a terminal reaches each of them within this. */
  signalMs: 50,
} as const;

/** A program that speaks for itself: on our own stdout and stderr. */
export interface Program {
  readonly argv: readonly string[];
  /** Whether it may read what is typed; nothing otherwise, so that loops over stdin are left alone. */
  readonly hasInput: boolean;
  /** Put before each line of its stdout, where several speak at once. */
  readonly linePrefix?: string;
}

/**
 * Runs a program to its end. Its exit status is handed on; 128 + N when signal N ended it. Ctrl-C
 * is for the program: fleetctl waits for it. Throws CommandError when it cannot be started.
 */
export async function runProgram(context: Context, program: Program): Promise<ExitStatus> {
  const { screen, here, trace } = context;
  screen.progress(null);
  const { argv, hasInput, linePrefix } = program;
  const [file = '', ...args] = argv;
  refuseNul(file, args);
  trace(argv.join(' '));
  const out = linePrefix === undefined ? stdioOf(screen.out) : 'pipe';
  const stdio: StdioOptions = [hasInput ? 'inherit' : 'ignore', out, stdioOf(screen.err)];
  const child = spawn(file, args, { env: { ...here.environment }, stdio });
  using patience = new Patience(child);
  return await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(cannotRun(file, error)));
    child.once('close', (code, signal) => {
      const status = code ?? signalStatus(signal ?? 'SIGHUP');
      // ssh makes its own failure of a Ctrl-C, and may end before we hear of the signal.
      const judge = (): void => {
        const isCut = status === 255 && patience.isInterrupted;
        resolve(isCut ? signalStatus('SIGINT') : status);
      };
      if (status === 255 && !patience.isInterrupted) setTimeout(judge, limits.signalMs);
      else judge();
    });
    if (child.stdout !== null) hear(child.stdout, screen.out, linePrefix ?? null);
    if (child.stderr !== null) hear(child.stderr, screen.err, null);
  });
}

/** No program can be given one; a shell gives us none, but whoever runs fleetctl by a call may. */
function refuseNul(file: string, args: readonly string[]): void {
  const bad = args.find((word) => word.includes('\0'));
  if (bad === undefined) return;
  const words = `${JSON.stringify(bad)} cannot be given to ${file}: it holds a NUL`;
  throw usageError(words, 'leave that character out');
}

/** Our own stream where it is one of the system's, a pipe where it is an object of ours. */
function stdioOf(output: Output): number | 'pipe' {
  return 'fd' in output && typeof output.fd === 'number' ? output.fd : 'pipe';
}

/** As shells count it. */
function signalStatus(signal: NodeJS.Signals): ExitStatus {
  return 128 + constants.signals[signal];
}

/** Leaves signals of the terminal to the child, and hands on those that are for us alone. */
class Patience implements Disposable {
  isInterrupted = false;
  readonly #wait = (): void => {
    this.isInterrupted = true;
  };
  readonly #handOn: (signal: NodeJS.Signals) => void;

  constructor(child: ChildProcess) {
    this.#handOn = (signal) => void child.kill(signal);
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.on(signal, this.#wait);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, this.#handOn);
  }

  [Symbol.dispose](): void {
    for (const signal of ['SIGINT', 'SIGQUIT'] as const) process.off(signal, this.#wait);
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, this.#handOn);
  }
}

function hear(stream: NodeJS.ReadableStream, target: Writable, linePrefix: string | null): void {
  if (linePrefix === null) {
    stream.on('data', (part: Buffer) => target.write(part.toString()));
    return;
  }
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (part: string) => {
    const lines = `${rest}${part}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) target.write(`${linePrefix}${line}\n`);
  });
  stream.on('end', () => rest !== '' && target.write(`${linePrefix}${rest}\n`));
}

function cannotRun(file: string, error: NodeJS.ErrnoException): CommandError {
  if (error.code !== 'ENOENT') {
    return new CommandError(`${file} cannot be run: ${messageOf(error)}`, {
      hint: `try it by itself: ${file}`,
    });
  }
  const hint = remedies[file] ?? 'does systemd run here?';
  return new CommandError(`there is no ${file} on this machine`, { hint });
}

const remedies: Readonly<Record<string, string>> = {
  ssh: 'install OpenSSH (openssh-client)',
  sudo: 'leave --sudo out, or install it',
};
