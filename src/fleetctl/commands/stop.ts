import type { Command } from '../command.ts';
import { knownUnits } from '../named-units.ts';
import { bringTo, toTraveller } from '../towards.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { knownUnitOperand } from './shared-flags.ts';

/** `fleetctl stop`: stops units, which stay on their machines. */
export const stop: Command = {
  name: 'stop',
  summary: 'stop units; they stay loaded on their machines',
  description: 'Stops units. They stay loaded on their machines, ready to be started there again.',
  operand: knownUnitOperand,
  flags: waitFlags,
  examples: ['fleetctl stop web.service', 'fleetctl stop --no-block web@{1..3}.service'],
  async run(context, operands, flags) {
    const wait = readWaitFlags(flags);
    const units = await knownUnits(context, operands);
    const idle = units.filter(({ body }) => body.desiredState === 'inactive');
    for (const { name } of idle) context.screen.warn(`${name} is not loaded: nothing to stop`);
    const travellers = units.filter((unit) => !idle.includes(unit)).map(toTraveller);
    return bringTo(context, travellers, { verb: 'stop', goal: 'stopped', wait });
  },
};
