import { cloneMachine, copyMachine, removeMachine, restoreMachine } from '../copies.ts';
import type { AddCommands } from './command.ts';

const verbs = [
  {
    verb: 'copy',
    about: 'copy the disk of a machine that is off',
    act: copyMachine,
    done: 'is copied',
  },
  {
    verb: 'restore',
    about: 'give a machine that is off the disk that was copied',
    act: restoreMachine,
    done: 'has the disk of its copy',
  },
  {
    verb: 'remove',
    about: 'cut the power of a machine without an etcd member, and remove it',
    act: removeMachine,
    done: 'is no more',
  },
] as const;

/** `fleetlab copy`, `restore`, `clone` and `remove` */
export const addCopies: AddCommands = (program, shell) => {
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
    .command('clone')
    .description("boot one more machine with this one's machine-id, by mistake as it were")
    .argument('<machine>')
    .action(async (name: string) => {
      const context = shell.context();
      const clone = await cloneMachine(context, name);
      context.say(`${clone} has the machine-id of ${name}; 'fleetlab remove ${clone}' undoes it`);
    });
};
