import { addMachine, bootMachine, killMachine, poweroffMachine } from '../power.ts';
import type { AddCommands } from './command.ts';
import { parseDiskSize } from './words.ts';

interface AddFlags {
  readonly metadata?: string;
  readonly diskSize?: string;
}

/** Each command on one machine: what it is for, what it does, what is said when it is done. */
const verbs = [
  { verb: 'kill', about: 'a power cut', act: killMachine, done: 'is off: its power was cut' },
  { verb: 'poweroff', about: 'a clean shutdown', act: poweroffMachine, done: 'is off' },
  { verb: 'boot', about: 'on again, with the disk it had', act: bootMachine, done: 'is on' },
] as const;

/** `fleetlab kill`, `poweroff`, `boot` and `add` */
export const addPower: AddCommands = (program, shell) => {
  for (const { verb, about, act, done } of verbs) {
    program
      .command(verb)
      .description(about)
      .argument('<machine>')
      .action(async (name: string) => {
        const context = shell.context();
        await act(context, name);
        context.say(`${name} ${done}`);
      });
  }
  program
    .command('add')
    .description('boot one more machine, which joins by itself')
    .argument('[machine]', 'its name (default: the next one free)')
    .option('--metadata <key=value>', 'several pairs with commas')
    .option('--disk-size <size>', 'a disk of its own that can be full: 768M', parseDiskSize)
    .action(async (name: string | undefined, flags: AddFlags) => {
      const context = shell.context();
      const { metadata = '', diskSize } = flags;
      context.say(`${await addMachine(context, name ?? null, metadata, diskSize)} is on`);
    });
};
