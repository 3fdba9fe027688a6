import type { UnitName } from '../unitfile/unit-name.ts';
import { CowSet } from './copy-on-write.ts';

/** Units about which something is stored that is not understood, and by which keys. */
export class UnitDoubts {
  readonly #keys = new Map<UnitName, Set<string>>();
  readonly #units = new CowSet<UnitName>();

  /** The units as they are now; never changed later. */
  share(): ReadonlySet<UnitName> {
    return this.#units.share();
  }

  add(unit: UnitName, key: string): void {
    const keys = this.#keys.get(unit) ?? new Set<string>();
    this.#keys.set(unit, keys.add(key));
    this.#units.add(unit);
  }

  /** That key is understood again, or gone. */
  settle(unit: UnitName, key: string): void {
    const keys = this.#keys.get(unit);
    if (keys === undefined || !keys.delete(key) || keys.size > 0) return;
    this.#keys.delete(unit);
    this.#units.delete(unit);
  }
}
