// fleetctl: the command that people type.
// Knows the API's contract and unit files; nothing of etcd, systemd or the daemon's insides.
// Start here, then commands/start.ts: what a command looks like.
import { PassThrough, Readable } from 'node:stream';
import { Command as Commander, CommanderError } from 'commander';
import { systemClock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import { FleetClient } from './client.ts';
import type { Command, Context, Definitions, ExitStatus } from './command.ts';
import { CommandError, usageError } from './command-error.ts';
import { ssh } from './commands/ssh.ts';
import { versionText } from './commands/version.ts';
import { commands } from './commands.ts';
import type { OpenStream } from './connections.ts';
import type { Endpoint } from './endpoint.ts';
import {
  addGlobalFlags,
  type GlobalFlags,
  globalFlags,
  globalValues,
  readGlobalFlags,
} from './global-flags.ts';
import { type Here, type Input, readMachineId } from './here.ts';
import { guardRemoteCommand } from './remote-command.ts';
import { type Output, Screen } from './screen.ts';
import type { SshSettings } from './ssh-settings.ts';
import { plainSwitches } from './switches.ts';
import type { TransportsOptions } from './transports.ts';
import { openTunnel } from './tunnel.ts';

/** What surrounds one run of fleetctl. */
export interface Surroundings {
  /** What stands after `fleetctl` on the command line. */
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly out: Output;
  readonly err: Output;
  /** Nothing can be typed where it is left out. */
  readonly input?: Input;
  /** Where the id of this machine is; `/etc/machine-id` unless it is given. */
  readonly machineIdPath?: string;
}

/** Runs one command line; never throws. */
export async function runFleetctl(surroundings: Surroundings): Promise<ExitStatus> {
  const screen = new Screen(surroundings.out, surroundings.err);
  const run: Run = { screen, surroundings, client: null, isDebug: false, status: 0, command: null };
  const program = buildProgram(run);
  try {
    const args = plainSwitches(guardRemoteCommand(surroundings.args, takesValue));
    await program.parseAsync([...args], { from: 'user' });
    return run.status;
  } catch (error) {
    return explain(run, error);
  } finally {
    run.client?.close();
  }
}

/** The command line of fleetctl, to be described and not to be run. */
export function describedFleetctl(): Commander {
  const nowhere: Output = new PassThrough();
  const surroundings = { args: [], environment: {}, out: nowhere, err: nowhere };
  const screen = new Screen(nowhere, nowhere);
  const run: Run = { screen, surroundings, client: null, isDebug: false, status: 0, command: null };
  return buildProgram(run);
}

/** One run as it goes. */
interface Run {
  readonly screen: Screen;
  readonly surroundings: Surroundings;
  client: FleetClient | null;
  isDebug: boolean;
  status: ExitStatus;
  /** The command that was recognized, for hints. */
  command: string | null;
}

function buildProgram(run: Run): Commander {
  const program = new Commander('fleetctl')
    .description('Start, move and watch systemd units on a cluster of machines.')
    .version(versionText, '-v, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => run.screen.write(text),
      writeErr: () => undefined, // told by `explain`, in our words
      getOutHelpWidth: () => run.screen.widthCount,
    })
    .addHelpText('after', footer);
  addGlobalFlags(program);
  for (const command of commands) addCommand(program, command, run);
  addHelp(program);
  return program;
}

/** Whether the word after a flag belongs to it, for flags that may precede a remote command. */
function takesValue(flag: string): boolean {
  const usages = [...globalFlags, ...ssh.flags].map(({ usage }) => usage.split(/,? /));
  return usages.some((words) => words.includes(flag) && words.some((word) => word.startsWith('<')));
}

const helpSummary = 'tell about fleetctl, or about a command';

const footer = `
Every global option can be given as FLEETCTL_<OPTION> in the environment, such as
FLEETCTL_ENDPOINT. "fleetctl help COMMAND" tells more of a command.`;

function addCommand(program: Commander, command: Command, run: Run): void {
  const { name, summary, description, operand, rest, flags, examples, isHidden } = command;
  const built = program
    .command(name, { hidden: isHidden === true })
    .summary(summary)
    .description(description);
  built.exitOverride((error) => {
    run.command = name;
    throw error;
  });
  if (operand !== null) built.argument(operand.usage, operand.what);
  if (rest !== undefined) built.argument(rest.usage, rest.what);
  for (const { usage, what } of flags) built.option(usage, what);
  built.addHelpText('after', `\nExamples:\n${examples.map((line) => `  ${line}\n`).join('')}`);
  built.action(async () => {
    run.status = await command.run(contextOf(run, program), built.args, built.opts());
  });
}

function contextOf(run: Run, program: Commander): Context {
  const { screen, surroundings } = run;
  const flags = readGlobalFlags(program.opts(), surroundings.environment);
  const { isDebug, warnings } = flags;
  run.isDebug = isDebug;
  for (const warning of warnings) screen.warn(warning);
  const here = hereOf(surroundings);
  const trace = (line: string): void => (isDebug ? screen.note(`debug: ${line}`) : undefined);
  const client = (): FleetClient => {
    run.client ??= new FleetClient({ ...flags, ...waysThere(flags, here, trace) }, trace);
    return run.client;
  };
  const clientWith = typedClient(run, program, here);
  return {
    ...{ screen, clock: systemClock, here, ssh: flags.ssh, trace },
    ...{ client, clientWith, definitions },
  };
}

function hereOf({ environment, input, machineIdPath, out }: Surroundings): Here {
  return {
    environment,
    input: input ?? { isTTY: false, stream: () => Readable.from([]) },
    isInteractive: input?.isTTY === true && out.isTTY === true,
    machineId: () => readMachineId(machineIdPath ?? '/etc/machine-id'),
  };
}

function waysThere(
  { ssh, endpoint, otherEndpoints }: GlobalFlags,
  here: Here,
  trace: (line: string) => void = () => undefined,
): Pick<TransportsOptions, 'openStream' | 'others'> {
  const openTo = (end: Endpoint): OpenStream | null => tunnelTo(end, ssh, here, trace);
  const others = otherEndpoints.map((other) => ({ endpoint: other, openStream: openTo(other) }));
  return { openStream: openTo(endpoint), others };
}

function tunnelTo(
  endpoint: Endpoint,
  settings: SshSettings,
  here: Here,
  trace: (line: string) => void,
): OpenStream | null {
  const { tunnel } = settings;
  if (tunnel === null) return null;
  return () => openTunnel({ tunnel, settings, endpoint, here, trace });
}

const definitions: Definitions = {
  commands: [
    ...commands.filter(({ isHidden }) => isHidden !== true),
    { name: 'help', summary: helpSummary, operand: { usage: '[command]', what: '' }, flags: [] },
  ],
  globalFlags: [...globalFlags, { usage: '-v, --version', what: 'print the version' }],
};

function typedClient(run: Run, program: Commander, here: Here): Context['clientWith'] {
  return (globals, requestTimeoutMs) => {
    const values = { ...program.opts(), ...globalValues(globals) };
    const flags = readGlobalFlags(values, run.surroundings.environment);
    run.client = new FleetClient({
      ...flags,
      requestTimeoutMs,
      ...waysThere(flags, here),
    });
    return run.client;
  };
}

function addHelp(program: Commander): void {
  program
    .command('help')
    .summary(helpSummary)
    .description('Tells about fleetctl, or about one of its commands.')
    .argument('[command]', 'the command')
    .action((name: string | undefined) => {
      if (name === undefined) return program.outputHelp();
      const command = program.commands.find((candidate) => candidate.name() === name);
      if (command !== undefined) return command.outputHelp();
      throw usageError(`unknown command '${name}'`, 'fleetctl help lists the commands');
    });
}

/** Tells what went wrong and what to do; the exit status says whose mistake it was. */
function explain(run: Run, error: unknown): ExitStatus {
  const { screen } = run;
  if (error instanceof CommanderError) return explainUsage(run, error);
  if (error instanceof CommandError) {
    for (const line of error.details) screen.note(line);
    screen.error(error.message);
    screen.note(error.hint);
    return error.status;
  }
  screen.error(messageOf(error));
  if (error instanceof FleetError) screen.note(error.trouble.hint);
  else screen.note('this is a defect of fleetctl; --debug shows where');
  if (run.isDebug && error instanceof Error) screen.note(error.stack ?? '');
  return 1;
}

function explainUsage({ screen, command }: Run, error: CommanderError): ExitStatus {
  if (error.code === 'commander.helpDisplayed' || error.code === 'commander.version') return 0;
  if (error.code === 'commander.help') {
    screen.error('no command is given');
    screen.note('fleetctl help lists the commands');
    return 2;
  }
  const [message, guess] = error.message.replace(/^error: /, '').split('\n');
  screen.error(message ?? error.message);
  const suggestion = /^\((Did you mean .*\?)\)$/.exec(guess ?? '')?.[1];
  const help = command === null ? 'fleetctl help lists' : `fleetctl help ${command} shows`;
  screen.note(suggestion ?? `${help} what there is`);
  return 2;
}
