import { FleetError } from '../../src/lib/error.ts';
import type { MachineId, Revision, UnitIdentity } from '../../src/model/ids.ts';
import type { AgentLedger, OrderBook } from '../../src/model/ledger.ts';
import type { Order, Want } from '../../src/model/order.ts';
import type { StateReport } from '../../src/model/report.ts';
import { type ContentHash, contentHash, type UnitHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

/** One machine's page of the store, in memory: orders go in by hand, reports come out. */
export class PaperLedger implements AgentLedger {
  readonly machine = '0123456789abcdef0123456789abcdef' as MachineId;
  readonly reports = new Map<UnitName, StateReport>();
  readonly #texts = new Map<ContentHash, string>();
  readonly #orders = new Map<UnitName, Order>();
  readonly #revisions = new Map<UnitName, Revision>();
  readonly #listeners: (() => void)[] = [];
  /** Called after each batch of reports. */
  #reported: (() => void)[] = [];
  #revision = 1n;
  /** False: nothing was read yet, as at the start of a daemon without a store. */
  isKnown = true;
  /** True: every call fails, as with a store that is away. */
  isAway = false;
  reportBatchCount = 0;
  textReadCount = 0;

  /** Gives an order about a text; the identity is that of the text unless said otherwise. */
  order(name: UnitName, text: string, want: Want, changes: Partial<Order> = {}): void {
    const hash = contentHash(text);
    this.#texts.set(hash, text);
    this.#set(name, {
      identity: `${name} ${hash.slice(0, 8)}` as UnitIdentity,
      unitHash: hash.slice(0, 40) as UnitHash,
      contentHash: hash,
      want,
      restartCount: 0,
      after: [],
      reason: `test ordered ${want}`,
      ...changes,
    });
  }

  /** Changes an order that is there. */
  change(name: UnitName, changes: Partial<Order>): void {
    const before = this.#orders.get(name);
    if (before === undefined) throw new Error(`no order about ${name}`);
    this.#set(name, { ...before, ...changes });
  }

  /** Takes an order back; what it says is unknown from then on. */
  withdraw(name: UnitName): void {
    this.#orders.delete(name);
    this.#revisions.delete(name);
    this.changed();
  }

  #set(name: UnitName, order: Order): void {
    this.#orders.set(name, order);
    this.#revisions.set(name, (this.#revision + 1n) as Revision);
    this.changed();
  }

  /** Tells whoever listens to look again. */
  changed(): void {
    this.#revision += 1n;
    for (const nudge of this.#listeners) nudge();
  }

  /** Waits until what is reported satisfies `isSo`. */
  async until(isSo: (reports: ReadonlyMap<UnitName, StateReport>) => boolean): Promise<void> {
    while (!isSo(this.reports)) {
      await new Promise<void>((resolve) => this.#reported.push(resolve));
    }
  }

  orderBook(): OrderBook | null {
    if (!this.isKnown) return null;
    const revision = this.#revision as Revision;
    const orders = new Map(this.#orders);
    return { revision, orders, revisions: new Map(this.#revisions), unreadable: new Set() };
  }

  isCurrent(): boolean {
    return this.isKnown;
  }

  onChange(nudge: () => void): void {
    this.#listeners.push(nudge);
  }

  async readText(hash: ContentHash): Promise<string | null> {
    this.#requireStore();
    this.textReadCount += 1;
    return this.#texts.get(hash) ?? null;
  }

  async report(reports: ReadonlyMap<UnitName, StateReport | null>): Promise<void> {
    this.#requireStore();
    this.reportBatchCount += 1;
    for (const [name, report] of reports) {
      if (report === null) this.reports.delete(name);
      else this.reports.set(name, report);
    }
    const waiting = this.#reported;
    this.#reported = [];
    for (const resolve of waiting) resolve();
  }

  async readReports(): Promise<ReadonlyMap<UnitName, StateReport>> {
    this.#requireStore();
    return new Map(this.reports);
  }

  #requireStore(): void {
    if (!this.isAway) return;
    throw new FleetError('no store', { code: 'registry/unavailable', retry: 'soon', hint: 'wait' });
  }
}
