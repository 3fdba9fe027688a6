import { FleetError } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { OrderBook } from '../model/ledger.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { UnitFiles } from './files.ts';
import type { ActualUnit } from './observe.ts';
import { isGone } from './observe.ts';
import { type OrphanText, orphanText } from './orphan-text.ts';

/** Keeps an eye on units of ours without an order: reads what their files say, logs them once. */
export class OrphanWatch {
  readonly #files: UnitFiles;
  readonly #log: Logger;
  readonly #texts = new Map<UnitName, OrphanText>();
  readonly #said = new Set<UnitName>();

  constructor(files: UnitFiles, log: Logger) {
    this.#files = files;
    this.#log = log;
  }

  /** Looks at all of them; without an order book nobody is an orphan. */
  async look(
    book: OrderBook | null,
    actual: ReadonlyMap<UnitName, ActualUnit>,
  ): Promise<ReadonlyMap<UnitName, OrphanText>> {
    for (const name of [...this.#said, ...this.#texts.keys()]) {
      if (book !== null && (book.orders.has(name) || !actual.has(name))) this.#forget(name);
    }
    for (const [name, unit] of actual) {
      if (book === null || book.orders.has(name)) continue;
      if (isGone(unit) || unit.owner.kind === 'other') this.#forget(name);
      else await this.#see(unit, !book.unreadable.has(name));
    }
    return this.#texts;
  }

  async #see(unit: ActualUnit, isOrphan: boolean): Promise<void> {
    const { name, disk, status } = unit;
    if (isOrphan && !this.#said.has(name)) {
      this.#said.add(name);
      const fields = { unit: name, active: status.active, identity: disk.loaded?.identity ?? null };
      this.#log.warn(fields, 'no order is about a unit of ours, leaving it as it is');
    }
    if (disk.contentHash === null) this.#texts.delete(name);
    if (disk.contentHash === (this.#texts.get(name)?.contentHash ?? null)) return;
    try {
      const text = await this.#files.readText(name);
      if (text !== null) this.#texts.set(name, orphanText(name, text));
    } catch (error) {
      if (!(error instanceof FleetError)) throw error; // unreadable now: shown at the next look
    }
  }

  #forget(name: UnitName): void {
    this.#said.delete(name);
    this.#texts.delete(name);
  }
}
