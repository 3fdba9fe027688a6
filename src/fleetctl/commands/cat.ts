import type { Command } from '../command.ts';
import { knownUnits } from '../named-units.ts';

/** `fleetctl cat`: the stored text. */
export const cat: Command = {
  name: 'cat',
  summary: 'print the stored text of a unit',
  description: 'Prints the text of a unit as it is stored in the cluster, byte for byte.',
  operand: { usage: '<unit>', what: 'the name of a unit in the cluster' },
  flags: [],
  examples: ['fleetctl cat web.service'],
  async run(context, operands) {
    const units = await knownUnits(context, operands);
    for (const { body } of units) context.screen.write(body.text);
    return 0;
  },
};
