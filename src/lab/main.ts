import { CommanderError } from 'commander';
import { FleetError, messageOf } from '../lib/error.ts';
import { fleetlabProgram } from './program.ts';

const usageStatus = 2;

async function main(): Promise<number> {
  const interrupt = new AbortController();
  // The first one ends a long command between two steps; the second ends it where it stands.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => interrupt.abort());
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
    process.stderr.write(`fleetlab: ${messageOf(error)}\n`);
    if (!(error instanceof FleetError)) throw error;
    process.stderr.write(`fleetlab: ${error.trouble.hint}\n`);
    return interrupt.signal.aborted ? 130 : 1;
  }
  return status;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  },
);
