import { WideMap } from '../lib/wide-map.ts';
import type { MachineId } from '../model/ids.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** On which machines something is stored about each unit. Most units are on one. */
export class Whereabouts {
  readonly #machines = new WideMap<UnitName, MachineId | Set<MachineId>>();

  of(unit: UnitName): Iterable<MachineId> {
    const known = this.#machines.get(unit);
    if (known === undefined) return [];
    return typeof known === 'string' ? [known] : known;
  }

  isAnywhere(unit: UnitName): boolean {
    return this.#machines.has(unit);
  }

  has(unit: UnitName, machine: MachineId): boolean {
    const known = this.#machines.get(unit);
    return typeof known === 'string' ? known === machine : known?.has(machine) === true;
  }

  add(unit: UnitName, machine: MachineId): void {
    const known = this.#machines.get(unit);
    if (known === undefined) this.#machines.set(unit, machine);
    else if (typeof known !== 'string') known.add(machine);
    else if (known !== machine) this.#machines.set(unit, new Set([known, machine]));
  }

  delete(unit: UnitName, machine: MachineId): void {
    const known = this.#machines.get(unit);
    if (known === machine) this.#machines.delete(unit);
    else if (typeof known !== 'string' && known?.delete(machine) && known.size === 0) {
      this.#machines.delete(unit);
    }
  }
}
