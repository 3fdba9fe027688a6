import type { Command } from '../command.ts';
import { bringTo } from '../towards.ts';
import { planUnits } from '../unit-plan.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { replaceFlag, unitOperand } from './shared-flags.ts';

/** `fleetctl start`: places units and starts them. */
export const start: Command = {
  name: 'start',
  summary: 'start units somewhere in the cluster',
  description:
    'Places units on machines and starts them, after storing what the cluster does not know. ' +
    'Waits until systemd has started them; --wait also waits for what they become. A unit that ' +
    'fits on no machine is reported with the reasons.',
  operand: unitOperand,
  flags: [
    replaceFlag,
    { usage: '--wait', what: 'wait until the units are active, finished or failed' },
    ...waitFlags,
  ],
  examples: [
    'fleetctl start web.service',
    'fleetctl start web@{1..3}.service',
    'fleetctl start --replace --timeout 5m units/web.service',
  ],
  async run(context, operands, flags) {
    const wait = readWaitFlags(flags);
    const isReplacing = flags['replace'] === true;
    const units = await planUnits(context, operands, { desired: 'launched', isReplacing });
    const goal = flags['wait'] === true ? 'active' : 'launched';
    return bringTo(context, units, { verb: 'start', goal, wait });
  },
};
