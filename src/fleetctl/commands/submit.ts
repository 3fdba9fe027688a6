import type { Command } from '../command.ts';
import { sendPuts } from '../send.ts';
import { planUnits } from '../unit-plan.ts';
import { refuseSigning, replaceFlag, signFlag, unitOperand } from './shared-flags.ts';

/** `fleetctl submit`: stores units without placing them. */
export const submit: Command = {
  name: 'submit',
  summary: 'store units in the cluster, without placing them',
  description:
    'Stores unit files in the cluster. Nothing is placed or started: see load and start. Stores ' +
    'nothing at all when one of the files is bad.',
  operand: unitOperand,
  flags: [replaceFlag, signFlag],
  examples: [
    'fleetctl submit web@.service',
    'fleetctl submit units/*.service',
    'fleetctl submit --replace web@.service',
  ],
  async run(context, operands, flags) {
    refuseSigning(flags);
    const units = await planUnits(context, operands, {
      desired: 'inactive',
      isReplacing: flags['replace'] === true,
    });
    const writes = units.flatMap(({ name, before, text }) => {
      if (text === null) return [];
      return [{ name, body: { desiredState: before?.desiredState ?? 'inactive', text } as const }];
    });
    const sent = await sendPuts(context, writes);
    for (const { name, before, text } of units) {
      if (text === null || sent.has(name)) {
        context.screen.line(`Unit ${name} ${before?.currentState ?? 'inactive'}`);
      }
    }
    return sent.size === writes.length ? 0 : 1;
  },
};
