import { clockFaults } from './clock.ts';
import { emptiedFaults } from './emptied.ts';
import type { Fault } from './fault.ts';
import { machineFaults } from './machine-faults.ts';
import { memoryFaults } from './memory.ts';
import { serviceFaults } from './service-faults.ts';

/** Every fault that `fleetlab fault` can bring about. Being cut off is `fleetlab partition`. */
export const faults: readonly Fault[] = [
  ...serviceFaults,
  ...memoryFaults,
  ...emptiedFaults,
  ...machineFaults,
  ...clockFaults,
].toSorted((a, b) => (a.name < b.name ? -1 : 1));

/** The fault of that name; undefined for none. */
export function faultNamed(name: string): Fault | undefined {
  return faults.find((fault) => fault.name === name);
}
