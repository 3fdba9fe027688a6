import { userInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { placesFrom } from '../../../src/daemon/places.ts';

describe('the places of fleetd', () => {
  it("are the system's, or what systemd hands over", () => {
    expect(placesFrom({ systemdUser: false }, { XDG_RUNTIME_DIR: '/run/user/7' })).toEqual({
      run: '/run/fleet',
      state: '/var/lib/fleet',
      socketPath: '/run/fleet.sock',
      linksDirectory: '/run/systemd/system',
      busAddress: 'unix:path=/run/dbus/system_bus_socket',
      manager: 'system',
    });
    const handed = { RUNTIME_DIRECTORY: '/run/x', STATE_DIRECTORY: '/var/lib/x' };
    expect(placesFrom({ systemdUser: false }, handed)).toMatchObject({
      run: '/run/x',
      state: '/var/lib/x',
    });
  });

  it("are a user's where a user's systemd is driven", () => {
    const environment = { XDG_RUNTIME_DIR: '/run/user/7', XDG_STATE_HOME: '/home/u/.state' };
    expect(placesFrom({ systemdUser: true }, environment)).toEqual({
      run: '/run/user/7/fleet',
      state: '/home/u/.state/fleet',
      socketPath: '/run/user/7/fleet.sock',
      linksDirectory: '/run/user/7/systemd/user',
      busAddress: 'unix:path=/run/user/7/bus',
      manager: { uid: userInfo().uid },
    });
    const elsewhere = { ...environment, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/tmp/bus' };
    expect(placesFrom({ systemdUser: true }, elsewhere).busAddress).toBe('unix:path=/tmp/bus');
  });
});
