import type { Command } from '../command.ts';
import { knownUnits } from '../named-units.ts';
import { bringTo, toTraveller } from '../towards.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { knownUnitOperand } from './shared-flags.ts';

/** `fleetctl unload`: stops units and takes them off their machines. */
export const unload: Command = {
  name: 'unload',
  summary: 'stop units and take them off their machines',
  description: 'Stops units and takes them off their machines. They stay stored in the cluster.',
  operand: knownUnitOperand,
  flags: waitFlags,
  examples: ['fleetctl unload web.service'],
  async run(context, operands, flags) {
    const wait = readWaitFlags(flags);
    const units = await knownUnits(context, operands);
    const travellers = units.map(toTraveller);
    return bringTo(context, travellers, { verb: 'unload', goal: 'inactive', wait });
  },
};
