import { readFileSync } from 'node:fs';
import { CommanderError } from 'commander';
import { rest, systemClock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import { flushed } from '../lib/flushed.ts';
import type { Result } from '../lib/result.ts';
import { type ReadConfig, readConfig } from './config.ts';
import type { Folders } from './daemon-parts.ts';
import { configurationStatus, failureText } from './failure.ts';
import { type MachineIdentity, readIdentity } from './identity.ts';
import { takeDaemonLock } from './lock.ts';
import { keeperFrom, leaseRecord, renewEarly } from './open-keeper.ts';
import { listenToOperator } from './operator-signals.ts';
import { type Flags, fleetdProgram } from './program.ts';
import type { Settings } from './settings.ts';

// What is imported above is small: the lease of the process before is renewed first, and only then
// is the rest of the program loaded.

const usageStatus = 2;
const lastWordsMsMax = 1_000;

async function main(): Promise<number> {
  const program = fleetdProgram().parse(process.argv.map(withTwoDashes));
  const flags = program.opts<Flags>();
  const operator = listenToOperator();
  const settings = settingsFrom(flags.config);
  if (settings === null) return configurationStatus;
  const identity = readIdentity();
  if (flags.leave === true) return await leave(settings, identity);
  const folders = foldersFrom(process.env);
  const lock = await takeDaemonLock(folders.run);
  const keeper = keeperFrom(settings);
  const lease = leaseRecord(folders.run);
  renewEarly(keeper, lease, identity.bootId);
  const { startDaemon } = await import('./start.ts');
  const readAgain = (): Result<ReadConfig, readonly string[]> => configFrom(flags.config);
  const parts = { settings, identity, folders, operator, keeper, lease, readConfig: readAgain };
  const end = await startDaemon(parts, stopSignal());
  lock.close();
  return end === 'refused' ? configurationStatus : 0;
}

async function leave(settings: Settings, identity: MachineIdentity): Promise<number> {
  const { registryFrom } = await import('./open-registry.ts');
  const { leaveCluster } = await import('./leave.ts');
  const registry = registryFrom(settings, identity);
  process.stdout.write(`${await leaveCluster(registry, identity)}\n`);
  registry.close();
  return 0;
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

/** systemd gives the folders of RuntimeDirectory= and StateDirectory= in the environment. */
function foldersFrom(environment: Readonly<Record<string, string | undefined>>): Folders {
  return {
    run: environment['RUNTIME_DIRECTORY'] ?? '/run/fleet',
    state: environment['STATE_DIRECTORY'] ?? '/var/lib/fleet',
  };
}

function stopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  return stop.signal;
}

/** Help and version are said and done; mistakes on the command line were told by commander. */
function statusAfter(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : usageStatus;
  process.stderr.write(`fleetd: ${failureText(error)}\n`);
  const isConfiguration = error instanceof FleetError && error.trouble.code === 'config/invalid';
  return isConfiguration ? configurationStatus : 1;
}

void main()
  .catch(statusAfter)
  .then(async (status) => {
    const said = Promise.all([flushed(process.stdout), flushed(process.stderr)]);
    // A journal that takes nothing must not keep a daemon from ending.
    await Promise.race([said, rest(lastWordsMsMax, systemClock, new AbortController().signal)]);
    process.exit(status);
  });
