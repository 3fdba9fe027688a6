import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { signalThrough } from './process-table.ts';
import { labFailed } from './trouble.ts';

const limits = { outputBytesMax: 64 * 1024 * 1024, timeoutMs: 120_000 } as const;

/** What a program did. A program that a signal ended has status 128 + its number, as in a shell. */
export interface RunResult {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run a program. */
export interface RunOptions {
  /** Becomes its standard input; without it, there is none. */
  readonly input?: string;
  /** Killed after this long; two minutes when not given. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** What messages call it; its words when not given. */
  readonly title?: string;
}

/**
 * Runs a program of this computer to its end and returns what it said.
 * Throws `lab/failed` when it cannot be started, takes too long or says too much.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = '', ...args] = argv;
  const timeoutMs = options.timeoutMs ?? limits.timeoutMs;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'pipe', cwd: '/' });
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[], bytes: 0 };
    const refuse = (what: string, cause?: unknown): void => {
      if (child.pid !== undefined && child.exitCode === null) signalThrough(child.pid, 'SIGKILL');
      const title = options.title ?? argv.join(' ');
      reject(labFailed(`'${title}' ${what}`, 'see why by typing it yourself', cause));
    };
    const timer = setTimeout(() => refuse(`took more than ${timeoutMs} ms`), timeoutMs);
    const interrupt = (): void => refuse('was interrupted');
    options.signal?.addEventListener('abort', interrupt, { once: true });
    const collect = (sink: Buffer[]) => (chunk: Buffer) => {
      output.bytes += chunk.length;
      if (output.bytes > limits.outputBytesMax) refuse('said too much');
      else sink.push(chunk);
    };
    child.stdout.on('data', collect(output.stdout));
    child.stderr.on('data', collect(output.stderr));
    // A program may end without reading its input; its exit status tells the story.
    child.stdin.on('error', () => child.stdin.destroy());
    child.stdin.end(options.input ?? '');
    child.on('error', (error) => refuse(`did not start: ${error.message}`, error));
    child.on('close', (code, signalName) => {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', interrupt);
      resolve({
        status: code ?? 128 + signalNumber(signalName),
        stdout: Buffer.concat(output.stdout).toString(),
        stderr: Buffer.concat(output.stderr).toString(),
      });
    });
  });
}

/** As `run`, and throws `lab/failed` with the program's own words unless it ends with status 0. */
export async function runOk(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const { status, stdout, stderr } = await run(argv, options);
  if (status === 0) return stdout;
  const words = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join('; ');
  throw labFailed(
    `'${argv.join(' ')}' ended with status ${status}: ${words}`,
    "'fleetlab down' removes what was made so far",
  );
}

/** The number of a signal by its name; 0 for none. */
export function signalNumber(name: NodeJS.Signals | null): number {
  return name === null ? 0 : constants.signals[name];
}
