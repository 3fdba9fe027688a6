import { killEtcdLeaders } from '../etcd-leader.ts';
import { backupEtcd, emptyEtcd, ownEtcd, restoreEtcd, strangeEtcd } from '../etcd-store.ts';
import type { AddCommands } from './command.ts';
import { parseSpan } from './words.ts';

const examples = `
Examples:
  fleetlab etcd backup monday           while it works
  fleetlab etcd restore monday          all members start anew from the backup
  fleetlab etcd stranger                another cluster's etcd at the same addresses
  fleetlab etcd own                     the lab's own one again
  fleetlab etcd kill-leader --for 20s   again and again`;

/** What is done to the whole of etcd, and what is said when it is done. */
const verbs = [
  { verb: 'empty', about: 'remove all data: a new, empty cluster', act: emptyEtcd },
  {
    verb: 'stranger',
    about: "put another cluster's etcd behind the same addresses",
    act: strangeEtcd,
  },
  { verb: 'own', about: "the lab's own etcd back, after 'stranger'", act: ownEtcd },
] as const;

/** `fleetlab etcd …` */
export const addEtcd: AddCommands = (program, shell) => {
  const etcd = program
    .command('etcd')
    .description('back up, restore, empty or exchange the whole etcd of the lab')
    .addHelpText('after', examples);
  etcd
    .command('backup')
    .description('save a snapshot; prints its path')
    .argument('<name>')
    .action(async (name: string) => shell.print(await backupEtcd(shell.context(), name)));
  etcd
    .command('restore')
    .description('put every member back to a backup; revisions go back with it')
    .argument('<name>')
    .action(async (name: string) => {
      const context = shell.context();
      await restoreEtcd(context, name);
      context.say(`etcd is back to '${name}'`);
    });
  for (const { verb, about, act } of verbs) {
    etcd
      .command(verb)
      .description(about)
      .action(async () => {
        const context = shell.context();
        await act(context);
        context.say(`etcd ${verb}: done, and healthy`);
      });
  }
  etcd
    .command('kill-leader')
    .description('kill whichever member leads, again and again')
    .option('--for <time>', 'for how long', parseSpan, 10_000)
    .action(async (flags: { readonly for: number }) => {
      const context = shell.context();
      context.say(`${await killEtcdLeaders(context, flags.for)} leaders of etcd were killed`);
    });
  for (const command of etcd.commands) command.copyInheritedSettings(etcd);
};
