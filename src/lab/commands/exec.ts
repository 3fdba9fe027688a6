import { attach } from '../attach.ts';
import { enterArgv } from '../exec.ts';
import { logsArgv } from '../logs.ts';
import { machineNamed, readLab } from '../record.ts';
import type { AddCommands } from './command.ts';
import { parseLineCount } from './words.ts';

/** `fleetlab exec`, `shell` and `logs`: what speaks with one machine. */
export const addExec: AddCommands = (program, shell) => {
  const enter = async (name: string, argv: readonly string[]): Promise<void> => {
    const machine = machineNamed(readLab(shell.context().lab), name);
    shell.exitWith(await attach(enterArgv(machine, argv)));
  };
  program
    .command('exec')
    .description('run a command in a machine; input, output and exit status pass through')
    .argument('<machine>')
    .argument('<command...>')
    .passThroughOptions()
    .usage('<machine> -- <command...>')
    .action((name: string, words: readonly string[]) =>
      enter(name, words[0] === '--' ? words.slice(1) : words),
    );
  program
    .command('shell')
    .description('a shell in a machine')
    .argument('<machine>')
    .action((name: string) => enter(name, ['bash', '--login']));
  program
    .command('logs')
    .description("a machine's journal, also of one that is off")
    .argument('<machine>')
    .option('-u, --unit <unit>', 'only of this unit')
    .option('-n, --lines <n>', 'only the last so many lines', parseLineCount)
    .option('-f, --follow', 'go on as lines are added')
    .action(async (name: string, flags: { unit?: string; lines?: number; follow?: boolean }) => {
      const { lines, ...rest } = flags;
      const options = { ...rest, ...(lines !== undefined && { lineCount: lines }) };
      shell.exitWith(await attach(logsArgv(shell.context().lab, name, options)));
    });
};
