import { askWhether } from '../ask.ts';
import type { Command } from '../command.ts';

/** `fleetctl adopt-store`: follow the store as it is, although it is not the one of before. */
export const adoptStore: Command = {
  name: 'adopt-store',
  summary: 'follow a store that was restored from a backup, or emptied',
  description:
    'After etcd was restored from a backup, or emptied, every fleetd freezes: units keep running ' +
    'and nothing is changed. This says that the store as it is now is to be followed. What runs ' +
    'keeps running: units of which the store knows nothing are left alone. Ask it at one machine; ' +
    'the others see it in the store. docs/operating/restore-etcd.md has the whole procedure.',
  operand: null,
  flags: [{ usage: '--yes', what: 'do not ask first' }],
  examples: ['fleetctl adopt-store', 'fleetctl adopt-store --yes'],
  async run(context, _operands, flags) {
    const client = context.client();
    const { standing, why, reason } = await client.getStore();
    if (standing === 'ours') {
      context.screen.line('The store is that of this cluster: nothing to adopt');
      return 0;
    }
    const what = standing === 'frozen' ? `${why}: ${reason}` : 'the store was not reached yet';
    context.screen.note(`fleetctl: ${what}`);
    const question = 'Follow the store as it is now, and lose what it does not know?';
    if (flags['yes'] !== true && !(await askWhether(question, context))) {
      context.screen.note('fleetctl: nothing was changed');
      return 1;
    }
    const { epoch, outcome } = await client.postStore('adopt');
    const isNew = outcome === 'adopted';
    context.screen.line(isNew ? `Adopted the store, epoch ${epoch}` : 'The store is ours already');
    return 0;
  },
};
