import type { Command } from '../command.ts';
import { isDown } from '../down.ts';
import { canRestart } from '../original-unit.ts';
import { bringToAnew } from '../towards.ts';
import { planUnits } from '../unit-plan.ts';
import { readWaitFlags, waitFlags } from '../wait-flags.ts';
import { refuseSigning, replaceFlag, signFlag, unitOperand, untilUpFlag } from './shared-flags.ts';

/** `fleetctl start`: places units and starts them. */
export const start: Command = {
  name: 'start',
  summary: 'start units somewhere in the cluster',
  description:
    'Places units on machines and starts them, after storing what the cluster does not know. ' +
    'Waits until systemd has started them; --wait also waits for what they become. A unit that ' +
    'fits on no machine is reported with the reasons. One that failed or has finished is started ' +
    'again.',
  operand: unitOperand,
  flags: [replaceFlag, untilUpFlag, ...waitFlags, signFlag],
  examples: [
    'fleetctl start web.service',
    'fleetctl start web@{1..3}.service',
    'fleetctl start --replace --timeout 5m units/web.service',
  ],
  async run(context, operands, flags) {
    refuseSigning(flags);
    const wait = readWaitFlags(flags);
    const isReplacing = flags['replace'] === true;
    const units = await planUnits(context, operands, { desired: 'launched', isReplacing });
    const goal = flags['wait'] === true ? 'active' : 'launched';
    const travellers = units.map((unit) => ({ ...unit, isAnew: isDown(unit) }));
    const old = travellers.filter(
      ({ isAnew, before }) => isAnew && before !== null && !canRestart(before),
    );
    const names = new Set(old.map(({ name }) => name));
    return bringToAnew(context, travellers, names, { verb: 'start', goal, wait });
  },
};
