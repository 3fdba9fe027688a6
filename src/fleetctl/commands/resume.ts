import type { Command } from '../command.ts';

/** `fleetctl resume`: ends the brake. */
export const resume: Command = {
  name: 'resume',
  summary: 'move the units of machines that vanished together, now',
  description:
    'When most machines vanish at once, their units are not moved for a while: more likely the ' +
    'network is at fault. Ends that while, and whatever can run elsewhere is moved at once. ' +
    'list-machines says whether there is something to end.',
  operand: null,
  flags: [],
  examples: ['fleetctl resume'],
  async run(context) {
    const outcome = await context.client().endBrake();
    context.screen.line(outcome === 'ended' ? 'Resumed' : 'Nothing is held back');
    return 0;
  },
};
