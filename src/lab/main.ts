import { CommanderError } from 'commander';
import { FleetError, messageOf } from '../lib/error.ts';
import { fleetlabProgram } from './program.ts';
import { interruptedHint, interruptedWord } from './trouble.ts';

const usageStatus = 2;
const interruptedStatus = 130;

async function main(): Promise<number> {
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => onInterrupt(signal, interrupt));
  }
  let status = 0;
  const program = fleetlabProgram({
    say: (line) => process.stderr.write(`fleetlab: ${line}\n`),
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
    process.stderr.write(`fleetlab: ${messageOf(error)}\n`);
    if (!(error instanceof FleetError)) throw error;
    process.stderr.write(`fleetlab: ${error.trouble.hint}\n`);
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
  if (!isSecond) return void process.stderr.write('fleetlab: stopping (again: at once)\n');
  process.stderr.write(`fleetlab: ${interruptedWord}\nfleetlab: ${interruptedHint}\n`);
  process.exit(interruptedStatus);
}

/** A step may fail in any words when its programs are interrupted too: they mean nothing. */
function tellInterrupted(error: unknown): number {
  const isOurs = error instanceof FleetError && error.message === interruptedWord;
  const hint = isOurs ? error.trouble.hint : interruptedHint;
  process.stderr.write(`fleetlab: ${interruptedWord}\nfleetlab: ${hint}\n`);
  return interruptedStatus;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
