import type { Command } from '../command.ts';
import { usageError } from '../command-error.ts';

/** `fleetctl upgrade --finish`: the last step of a rolling upgrade. */
export const upgrade: Command = {
  name: 'upgrade',
  summary: 'finish an upgrade of all machines',
  description:
    'With --finish, lets the cluster use what only the new version understands. Done once every ' +
    'machine runs it; from then on an older fleetd that joins leaves everything as it is.',
  operand: null,
  flags: [{ usage: '--finish', what: 'every machine was upgraded' }],
  examples: ['fleetctl upgrade --finish'],
  async run(context, _operands, flags) {
    if (flags['finish'] !== true) {
      throw usageError(
        'machines are upgraded with their own package manager',
        'When all of them are, type `fleetctl upgrade --finish`.',
      );
    }
    const { format, outcome } = await context.client().postStore('finish-upgrade');
    const words =
      outcome === 'raised'
        ? `The cluster uses format ${format} from now on`
        : `The cluster uses format ${format} already`;
    context.screen.line(words);
    return 0;
  },
};
