import { CommanderError } from 'commander';
import { FleetError, messageOf } from '../lib/error.ts';
import { flushed, readerGone } from '../lib/flushed.ts';
import { fleetlabProgram } from './program.ts';
import { interruptedHint, interruptedWord } from './trouble.ts';
import { asTyped, typedFrom } from './typed.ts';

const usageStatus = 2;
const interruptedStatus = 130;

/** The lab that the command line means, once it is read. */
let lab: string | null = null;

/** One line to whoever typed the command. */
function tell(line: string): void {
  process.stderr.write(`fleetlab: ${asTyped(line, typedFrom(process.env, lab))}\n`);
}

async function main(): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => onInterrupt(signal, interrupt));
  }
  let status = 0;
  const program = fleetlabProgram({
    say: tell,
    typed: (name) => typedFrom(process.env, name),
    onLab: (name) => {
      lab = name;
    },
    print: (line) => process.stdout.write(`${line}\n`),
    exitWith: (code) => {
      status = code;
    },
    signal: interrupt.signal,
  });
  try {
    await program.parseAsync(process.argv);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageStatus;
    if (interrupt.signal.aborted) return tellInterrupted(error);
    tell(messageOf(error));
    if (!(error instanceof FleetError)) throw error;
    tell(error.trouble.hint);
    return 1;
  }
  return status;
}

/** The first one ends a long command between two steps; the second ends it where it stands. */
function onInterrupt(signal: NodeJS.Signals, interrupt: AbortController): void {
  const isSecond = interrupt.signal.aborted;
  interrupt.abort();
  // A program in a machine is attached, and gets the signal: it decides.
  if (process.listenerCount(signal) > 1) return;
  if (!isSecond) {
    tell('stopping (again: at once)');
    return;
  }
  tell(interruptedWord);
  tell(interruptedHint);
  process.exit(interruptedStatus);
}

/** A step may fail in any words when its programs are interrupted too: they mean nothing. */
function tellInterrupted(error: unknown): number {
  const isOurs = error instanceof FleetError && error.message === interruptedWord;
  const hint = isOurs ? error.trouble.hint : interruptedHint;
  tell(interruptedWord);
  tell(hint);
  return interruptedStatus;
}

async function runToEnd(): Promise<number> {
  const status = await main().catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    return 1;
  });
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  return status;
}

process.stderr.on('error', () => undefined); // nobody is left to tell
void Promise.race([runToEnd(), readerGone(process.stdout)]).then((status) => process.exit(status));
