import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runInside } from './exec.ts';
import { pathInside } from './faults/fault.ts';
import type { LabContext } from './lab.ts';
import { withLock } from './lock.ts';
import { findCheckout, replacePrograms } from './programs.ts';
import { machinesListed } from './ready.ts';
import { machineNamed, readLab } from './record.ts';
import { labFailed } from './trouble.ts';

/**
 * Upgrades fleetd and fleetctl of a machine that runs, as a package would: new files take the place
 * of the old ones, then the daemon is restarted. `from` is a `dist/` folder, that of the checkout
 * when not given. Returns when the new daemon lists its machine.
 */
export function upgradeMachine(
  context: LabContext,
  name: string,
  from: string | null = null,
): Promise<void> {
  return withLock({ lab: context.lab, purpose: `upgrade ${name}` }, context.say, async () => {
    const record = readLab(context.lab);
    const machine = machineNamed(record, name);
    if (machine.isBare === true) {
      throw labFailed(`${name} has its fleetd from a package`, 'install a newer one, as anywhere');
    }
    const dist = from ?? join(findCheckout(), 'dist');
    if (!existsSync(join(dist, 'bin/fleetd.cjs'))) {
      throw labFailed(`${dist} holds no built fleetd`, "'npm run build' makes dist/ of a checkout");
    }
    replacePrograms(dist, pathInside(machine, ''));
    const ran = await runInside(machine, ['systemctl', 'restart', 'fleet.service']);
    if (ran.status !== 0) {
      throw labFailed(
        `${name}: the new fleetd did not start: ${ran.stderr.trim()}`,
        `'fleetlab logs ${name} -u fleet' shows what it says`,
      );
    }
    await machinesListed(record, machine, [machine], context.signal);
  });
}
