import { downLab, wasSomething } from '../down.ts';
import type { AddCommands } from './command.ts';

/** `fleetlab down` */
export const addDown: AddCommands = (program, shell) => {
  program
    .command('down')
    .description('take the lab down; nothing of it is left')
    .action(async () => {
      const context = shell.context();
      const found = await downLab(context);
      context.say(
        wasSomething(found)
          ? `lab '${context.lab}' is down: ${found.processCount} processes ended, files removed`
          : `there is no lab '${context.lab}': nothing to take down`,
      );
    });
};
