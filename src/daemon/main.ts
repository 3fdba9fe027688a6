import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { rest, systemClock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import { flushed } from '../lib/flushed.ts';
import { fail, type Result } from '../lib/result.ts';
import { type ReadConfig, readConfig } from './config.ts';
import { configurationStatus, sayFailure } from './failure.ts';
import { readIdentity } from './identity.ts';
import { takeDaemonLock } from './lock.ts';
import { keeperFrom, leaseRecord, renewEarly } from './open-keeper.ts';
import { listenToOperator } from './operator-signals.ts';
import { placesFrom } from './places.ts';
import { type Flags, fleetdProgram } from './program.ts';
import type { Settings } from './settings.ts';
import { identityOfUser } from './user-manager.ts';

// What is imported above is small: the lease of the process before is being renewed by the time
// that the rest of the program is loaded.

const usageStatus = 2;
const lastWordsMsMax = 1_000;

async function main(): Promise<number> {
  const program = fleetdProgram().parse(process.argv.map(withTwoDashes));
  const flags = program.opts<Flags>();
  const operator = listenToOperator();
  const settings = settingsFrom(flags.config);
  if (settings === null) return configurationStatus;
  const identity = settings.systemdUser ? identityOfUser(readIdentity()) : readIdentity();
  if (flags.leave === true) return await (await import('./start.ts')).leave(settings, identity);
  const places = placesFrom(settings, process.env);
  const lock = await takeDaemonLock(places.run);
  const keeper = keeperFrom(settings);
  const lease = leaseRecord(places.run);
  renewEarly(keeper, lease, identity.bootId);
  const { startDaemon } = await import('./start.ts');
  const readAgain = (): Result<ReadConfig, readonly string[]> => configAgain(flags.config);
  const parts = { settings, identity, places, operator, keeper, lease, readConfig: readAgain };
  const status = await startDaemon(parts, stopSignal());
  lock.close();
  return status;
}

/** fleet 1.0 took `-config` as well. */
function withTwoDashes(argument: string): string {
  return /^-(config|version)(=|$)/.test(argument) ? `-${argument}` : argument;
}

/** The settings, or null after saying on stderr what is wrong with them. */
function settingsFrom(fileName: string): Settings | null {
  const config = configFrom(fileName);
  if (config.ok) {
    for (const warning of config.value.warnings) process.stderr.write(`fleetd: ${warning}\n`);
    return config.value.settings;
  }
  for (const problem of config.error) process.stderr.write(`fleetd: ${problem}\n`);
  process.stderr.write('fleetd: correct the configuration, then start fleet.service again\n');
  return null;
}

function configFrom(fileName: string): Result<ReadConfig, readonly string[]> {
  return readConfig({ fileName, fileText: textOf(fileName), environment: process.env });
}

/** As `configFrom`; a file that cannot be read is a problem like others. */
function configAgain(fileName: string): Result<ReadConfig, readonly string[]> {
  try {
    return configFrom(fileName);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return fail([error.message]);
  }
}

function textOf(fileName: string): string | null {
  try {
    return readFileSync(fileName, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw new FleetError(`cannot read ${fileName}: ${messageOf(error)}`, {
      code: 'config/invalid',
      retry: 'never',
      hint: 'make it readable for root, or choose another with --config',
      cause: error,
    });
  }
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** Help and version are said and done; mistakes on the command line were told by commander. */
function statusAfter(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageStatus;
  return sayFailure(error);
}

void main()
  .catch(statusAfter)
  .then(async (status) => {
    const said = Promise.all([flushed(process.stdout), flushed(process.stderr)]);
    // A journal that takes nothing must not keep a daemon from ending.
    await Promise.race([said, rest(lastWordsMsMax, systemClock, new AbortController().signal)]);
    process.exit(status);
  });
