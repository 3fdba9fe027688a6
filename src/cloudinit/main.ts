import { CommanderError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import { flushed, readerGone } from '../lib/flushed.ts';
import { applyUserData, type Surroundings } from './apply.ts';
import { patientGet } from './get-url.ts';
import { cloudinitLimits } from './limits.ts';
import { cloudinitProgram, type Flags, withTwoDashes } from './program.ts';
import { interfaceAddresses } from './read-machine.ts';
import { runCommand } from './run-command.ts';

const usageStatus = 2;

async function main(): Promise<number> {
  const program = cloudinitProgram().parse(process.argv.map(withTwoDashes));
  const flags = program.opts<Flags>();
  // A boot has nobody who waits for an answer, and whom it asks may come up at the same time.
  const awayMsMax = flags.atBoot === true ? cloudinitLimits.awayMsMax : 0;
  const surroundings: Surroundings = {
    environment: process.env,
    interfaces: interfaceAddresses(),
    isRoot: process.getuid?.() === 0,
    get: patientGet(systemClock, awayMsMax),
    run: runCommand,
    say: (line) => process.stderr.write(`fleet-cloudinit: ${line}\n`),
    tell: (line) => process.stderr.write(`${line}\n`),
    print: (line) => process.stdout.write(`${line}\n`),
  };
  return applyUserData(flags, surroundings);
}

/** Help and version are said and done; mistakes on the command line were told by commander. */
function statusAfter(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageStatus;
  const hint = error instanceof FleetError ? error.trouble.hint : 'this is a defect';
  process.stderr.write(`fleet-cloudinit: ${messageOf(error)}\nfleet-cloudinit: ${hint}\n`);
  return 1;
}

async function runToEnd(): Promise<number> {
  const status = await main().catch(statusAfter);
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  return status;
}

process.stderr.on('error', () => undefined); // nobody is left to tell
void Promise.race([runToEnd(), readerGone(process.stdout)]).then((status) => process.exit(status));
