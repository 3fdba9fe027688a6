import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { FleetError } from '../lib/error.ts';
import type { BootId, MachineId } from '../model/ids.ts';

/** What this machine is called, for as long as this boot lasts. */
export interface MachineIdentity {
  readonly id: MachineId;
  readonly bootId: BootId;
}

/** Reads /etc/machine-id and the kernel's boot id. Throws FleetError `config/invalid`. */
export function readIdentity(machineIdFile = '/etc/machine-id'): MachineIdentity {
  const id = readFileSync(machineIdFile, 'utf8').trim();
  if (!/^[0-9a-f]{32}$/.test(id)) {
    throw new FleetError(`${machineIdFile} holds no machine id: '${id.slice(0, 40)}'`, {
      code: 'config/invalid',
      retry: 'never',
      hint: 'run systemd-machine-id-setup, then start fleet.service again',
    });
  }
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return { id: id as MachineId, bootId: bootId as BootId };
}

/** The interface of the default route with the lowest metric, from the text of /proc/net/route. */
export function defaultInterface(routeTable: string): string | null {
  const routes = routeTable
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, destination, , , , , , mask]) => destination === '00000000' && mask === '00000000')
    .sort((left, right) => Number(left[6]) - Number(right[6]));
  return routes[0]?.[0] ?? null;
}

/** The address others reach this machine by when `public_ip` is not set; null when there is none. */
export function ownAddress(): string | null {
  const interfaces = networkInterfaces();
  const usual = defaultInterface(readFileSync('/proc/net/route', 'utf8'));
  const names = usual === null ? Object.keys(interfaces).sort() : [usual];
  const addresses = names.flatMap((name) => interfaces[name] ?? []).filter((one) => !one.internal);
  const best = addresses.find(({ family }) => family === 'IPv4') ?? addresses[0];
  return best?.address ?? null;
}
