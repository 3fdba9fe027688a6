import type { Command } from '../command.ts';
import { knownUnits } from '../named-units.ts';
import { canRestart } from '../original-unit.ts';
import { bringToAnew, startAnew } from '../towards.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { knownUnitOperand, untilUpFlag } from './shared-flags.ts';

/** `fleetctl restart`: stops units and starts them again where they are. */
export const restart: Command = {
  name: 'restart',
  summary: 'stop units and start them again on their machines',
  description:
    'Stops units and starts them again on the machines they are on; starts those that do not ' +
    'run, failed or finished ones included. A global unit is restarted on all its machines at once.',
  operand: knownUnitOperand,
  flags: [untilUpFlag, ...waitFlags],
  examples: ['fleetctl restart web.service', 'fleetctl restart --wait web@{1..3}.service'],
  async run(context, operands, flags) {
    const wait = readWaitFlags(flags);
    const units = await knownUnits(context, operands);
    const goal = flags['wait'] === true ? 'active' : 'launched';
    // A fleetd of fleet 1.0 has to be led through it step by step.
    const old = units.filter(({ body }) => !canRestart(body) && body.desiredState === 'launched');
    const names = new Set(old.map(({ name }) => name));
    return bringToAnew(context, units.map(startAnew), names, { verb: 'restart', goal, wait });
  },
};
