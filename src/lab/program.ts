import { Command, InvalidArgumentError, Option } from 'commander';
import type { AddCommands, Shell } from './commands/command.ts';
import { addCopies } from './commands/copies.ts';
import { addDown } from './commands/down.ts';
import { addDrill } from './commands/drill.ts';
import { addEtcd } from './commands/etcd.ts';
import { addExec } from './commands/exec.ts';
import { addFault } from './commands/fault.ts';
import { addHollow } from './commands/hollow.ts';
import { addPower } from './commands/power.ts';
import { addStatus } from './commands/status.ts';
import { addUp } from './commands/up.ts';
import { defaultLabName, parseLabName } from './names.ts';
import { requireRoot } from './requirements.ts';
import { asTyped, type Typed } from './typed.ts';

const commands: readonly AddCommands[] = [
  addUp,
  addStatus,
  addExec,
  addPower,
  addFault,
  addEtcd,
  addCopies,
  addDown,
  addDrill,
  addHollow,
];

const examples = `
Examples:
  fleetlab up                                   three machines, an etcd member on each
  fleetlab up --machines 5 --metadata m2:disk=ssd
  eval "$(fleetlab env)"; fleetctl list-machines
  fleetlab exec m1 -- systemctl list-units      run a command in a machine
  fleetlab kill m2; fleetlab boot m2            a power cut, and on again
  fleetlab partition m3; fleetlab heal m3       cut off from the others, and back
  fleetlab fault etcd-frozen m1 m2; fleetlab heal m1 m2
  fleetlab etcd backup monday; fleetlab etcd restore monday
  fleetlab add --cloud-config cloud-config/proxy.yaml
  fleetlab logs m1 -u fleet                     what its fleetd says
  fleetlab hollow --machines 1000               what an etcd can carry
  fleetlab down                                 nothing is left`;

/** What the program is given by its main. */
export interface ProgramOptions {
  readonly say: (line: string) => void;
  readonly print: (line: string) => void;
  readonly exitWith: (status: number) => void;
  /** What is to be typed for a lab, null for none that is known. */
  readonly typed: (lab: string | null) => Typed;
  /** Told which lab is meant, before anything is done with it. */
  readonly onLab: (lab: string) => void;
  /** Aborts when somebody presses Ctrl-C. */
  readonly signal: AbortSignal;
}

/** The command line of fleetlab. Mistakes in it throw commander's `CommanderError`. */
export function fleetlabProgram(options: ProgramOptions): Command {
  const program = new Command('fleetlab')
    .description('A cluster of real machines on this computer: try it, rehearse failures.')
    .addOption(
      new Option('--lab <name>', 'which lab, when there is more than one')
        .env('FLEETLAB_NAME')
        .default(defaultLabName)
        .argParser(parseLab),
    )
    .addHelpText('after', examples)
    .enablePositionalOptions()
    .hook('preAction', (_program, command) => {
      options.onLab(program.opts<{ lab: string }>().lab);
      requireRoot(command.name());
    })
    .exitOverride()
    .showHelpAfterError(
      asTyped(
        "fleetlab: 'fleetlab help' lists the commands, 'fleetlab help up' tells more",
        options.typed(null),
      ),
    )
    .configureOutput({
      outputError: (text, write) => write(text.replace(/^error: /, 'fleetlab: ')),
    });
  const shell: Shell = {
    context: () => ({
      lab: program.opts<{ lab: string }>().lab,
      say: options.say,
      signal: options.signal,
    }),
    print: options.print,
    exitWith: options.exitWith,
  };
  for (const add of commands) add(program, shell);
  for (const command of program.commands) command.copyInheritedSettings(program);
  return program;
}

function parseLab(text: string): string {
  const name = parseLabName(text);
  if (name.ok) return name.value;
  throw new InvalidArgumentError(`${name.error}.`);
}
