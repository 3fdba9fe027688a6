import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { systemBusAddress } from '../agent/bus-address.ts';
import type { Manager } from '../agent/journal-words.ts';
import type { Settings } from './settings.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a daemon keeps and finds things; different for each systemd that it may drive. */
export interface Places {
  /** What it must know across its own restart: `/run/fleet`. */
  readonly run: string;
  /** What it must know across the machine's: `/var/lib/fleet`. */
  readonly state: string;
  /** Where the API listens unless something else is asked for. */
  readonly socketPath: string;
  /** Where systemd links run-time units: `/run/systemd/system`. */
  readonly linksDirectory: string;
  /** D-Bus address of the bus that systemd is on. */
  readonly busAddress: string;
  /** By whom the journal knows its words. */
  readonly manager: Manager;
}

/**
 * The places of a daemon, `environment` being its own: systemd gives the folders of
 * RuntimeDirectory= and StateDirectory= in it, and `XDG_RUNTIME_DIR` to services of a user.
 */
export function placesFrom(
  { systemdUser }: Pick<Settings, 'systemdUser'>,
  environment: Environment,
): Places {
  const { RUNTIME_DIRECTORY: given, STATE_DIRECTORY: givenState } = environment;
  if (!systemdUser) {
    return {
      run: given ?? '/run/fleet',
      state: givenState ?? '/var/lib/fleet',
      socketPath: '/run/fleet.sock',
      linksDirectory: '/run/systemd/system',
      busAddress: systemBusAddress(environment),
      manager: 'system',
    };
  }
  const runtime = userRuntimeDirectory(environment) ?? '';
  const home = environment['XDG_STATE_HOME'] || join(homedir(), '.local/state');
  return {
    run: given ?? join(runtime, 'fleet'),
    state: givenState ?? join(home, 'fleet'),
    socketPath: join(runtime, 'fleet.sock'),
    linksDirectory: join(runtime, 'systemd/user'),
    busAddress: environment['DBUS_SESSION_BUS_ADDRESS'] || `unix:path=${join(runtime, 'bus')}`,
    manager: { uid: userInfo().uid },
  };
}

/** `/run/user/1000`; null where no login or user manager says so. */
export function userRuntimeDirectory(environment: Environment): string | null {
  const path = environment['XDG_RUNTIME_DIR'] ?? '';
  return path.startsWith('/') ? path : null;
}
