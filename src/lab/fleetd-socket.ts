import { initOf } from './machine-process.ts';
import type { MachineRecord } from './record.ts';

/** The socket of a machine's fleetd, as this computer reaches it; null when the machine is off. */
export function fleetdSocket(machine: MachineRecord): string | null {
  const pid = initOf(machine);
  return pid === null ? null : `/proc/${pid}/root/run/fleet.sock`;
}
