import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { FleetError } from '../lib/error.ts';
import type { BootId } from '../model/ids.ts';
import type { MachineIdentity } from './identity.ts';

const limits = { askMs: 10_000 } as const;

/**
 * The identity of this machine as one user's systemd: that one's life is what a boot is to the
 * system's. Units end with it, and what was noted of their starts must not outlive them. Throws
 * FleetError `systemd/unavailable` when it does not run.
 */
export function identityOfUser(machine: MachineIdentity): MachineIdentity {
  const property = 'UserspaceTimestampMonotonic';
  const asked = spawnSync('systemctl', ['--user', 'show', '--value', '-p', property], {
    encoding: 'utf8',
    timeout: limits.askMs,
  });
  const since = (asked.stdout ?? '').trim();
  if (asked.status !== 0 || !/^[1-9]\d*$/.test(since)) {
    throw new FleetError(
      `the systemd of this user does not answer: ${(asked.stderr ?? '').trim()}`,
      {
        code: 'systemd/unavailable',
        retry: 'soon',
        hint: 'run fleetd as a service of systemd --user, with dbus-user-session installed',
      },
    );
  }
  const life = `${machine.bootId} ${process.getuid?.() ?? 0} ${since}`;
  const hash = createHash('sha256').update(life).digest('hex');
  return { id: machine.id, bootId: hash.slice(0, 32) as BootId };
}
