import type { Command } from '../command.ts';
import { bringTo } from '../towards.ts';
import { planUnits } from '../unit-plan.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { refuseSigning, replaceFlag, signFlag, unitOperand } from './shared-flags.ts';

/** `fleetctl load`: places units and makes them known to systemd there. */
export const load: Command = {
  name: 'load',
  summary: 'place units on machines, without starting them',
  description:
    'Places units on machines and makes them known to systemd there, after storing what the ' +
    'cluster does not know. A unit that was started is stopped.',
  operand: unitOperand,
  flags: [replaceFlag, ...waitFlags, signFlag],
  examples: ['fleetctl load web@1.service', 'fleetctl load --no-block web@{1..3}.service'],
  async run(context, operands, flags) {
    refuseSigning(flags);
    const wait = readWaitFlags(flags);
    const isReplacing = flags['replace'] === true;
    const units = await planUnits(context, operands, { desired: 'loaded', isReplacing });
    return bringTo(context, units, { verb: 'load', goal: 'loaded', wait });
  },
};
