import { Option } from 'commander';
import { faults } from '../faults/fault-list.ts';
import { inflictFault } from '../faults/inflict.ts';
import { healMachine, partitionMachine } from '../partition.ts';
import type { CutDirection, CutFrom } from '../record.ts';
import { upgradeMachine } from '../upgrade.ts';
import type { AddCommands } from './command.ts';

interface CutFlags {
  readonly from: CutFrom;
  readonly direction: CutDirection;
  readonly refuse?: boolean;
}

const faultExamples = `
Faults:
${faults.map(({ name, about }) => `  ${name.padEnd(16)} ${about}`).join('\n')}

Examples:
  fleetlab fault etcd-down m1 m2        no quorum any more
  fleetlab heal m1 m2                   and back
  fleetlab fault fleetd-kill m3         over once it has happened: nothing to heal`;

const partitionExamples = `
Examples:
  fleetlab partition m3                          packets of m3 vanish, all of them
  fleetlab partition m3 --refuse                 connections are reset at once
  fleetlab partition m3 --from etcd              its fleetd reaches no member, its units go on
  fleetlab partition m3 --from machines          etcd is all that it reaches
  fleetlab partition m3 --direction in           it is heard and hears nothing
  fleetlab heal m3`;

/** `fleetlab fault`, `partition`, `heal` and `upgrade` */
export const addFault: AddCommands = (program, shell) => {
  program
    .command('fault')
    .description('let something go wrong with machines, on all of them at once')
    .argument('<fault>', 'see below')
    .argument('<machine...>')
    .addHelpText('after', faultExamples)
    .action(async (fault: string, names: readonly string[]) => {
      const context = shell.context();
      await inflictFault(context, fault, names);
      const isOver = faults.some(({ name, heal }) => name === fault && heal === null);
      const undo = `'fleetlab heal ${names.join(' ')}' undoes it`;
      context.say(`${names.join(', ')}: ${fault}${isOver ? ', once' : `; ${undo}`}`);
    });
  program
    .command('partition')
    .description('cut a machine off from all but itself: packets are dropped, not refused')
    .argument('<machine>')
    .addOption(
      new Option('--from <whom>', 'etcd (as a client), the other machines, or all')
        .choices(['all', 'etcd', 'machines'])
        .default('all'),
    )
    .addOption(
      new Option('--direction <way>', 'only what it is sent, or only what it sends')
        .choices(['both', 'in', 'out'])
        .default('both'),
    )
    .option('--refuse', 'packets are refused, connections reset')
    .addHelpText('after', partitionExamples)
    .action(async (name: string, { from, direction, refuse }: CutFlags) => {
      const context = shell.context();
      await partitionMachine(context, name, { from, direction, isRefused: refuse === true });
      context.say(`${name} is cut off`);
    });
  program
    .command('heal')
    .description('undo all faults of machines, and join them to the network again')
    .argument('<machine...>')
    .option('--fault <fault>', "only this one; 'partition' for being cut off")
    .action(async (names: readonly string[], flags: { readonly fault?: string }) => {
      const context = shell.context();
      for (const name of names) {
        await healMachine(context, name, flags.fault ?? null);
        context.say(`${name} is healed`);
      }
    });
  program
    .command('upgrade')
    .description("replace a machine's fleetd and fleetctl by those just built, and restart it")
    .argument('<machine>')
    .option('--from <dist>', "another build's dist/ folder (default: this checkout's)")
    .action(async (name: string, flags: { readonly from?: string }) => {
      const context = shell.context();
      await upgradeMachine(context, name, flags.from ?? null);
      context.say(`${name} runs the new fleetd`);
    });
};
