import type { Clock } from '../lib/clock.ts';
import type { MachineId } from '../model/ids.ts';
import type { AgentLedger, OrderBook } from '../model/ledger.ts';
import type { StateReport } from '../model/report.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** An agent's ledger that knows which units its stored reports call active. */
export class CountedLedger implements AgentLedger {
  readonly machine: MachineId;
  readonly active = new Set<UnitName>();
  readonly #ledger: AgentLedger;
  readonly #clock: Clock;
  /** When the last unit became active in the store. */
  activeAtMs = 0;

  constructor(ledger: AgentLedger, clock: Clock) {
    this.machine = ledger.machine;
    this.#ledger = ledger;
    this.#clock = clock;
  }

  orderBook(): OrderBook | null {
    return this.#ledger.orderBook();
  }

  isCurrent(): boolean {
    return this.#ledger.isCurrent();
  }

  onChange(nudge: () => void): void {
    this.#ledger.onChange(nudge);
  }

  readText(hash: ContentHash, signal: AbortSignal): Promise<string | null> {
    return this.#ledger.readText(hash, signal);
  }

  readReports(signal: AbortSignal): Promise<ReadonlyMap<UnitName, StateReport>> {
    return this.#ledger.readReports(signal);
  }

  async report(
    reports: ReadonlyMap<UnitName, StateReport | null>,
    signal: AbortSignal,
  ): Promise<void> {
    await this.#ledger.report(reports, signal);
    for (const [unit, report] of reports) {
      const isActive = report?.active === 'active';
      if (isActive && !this.active.has(unit)) this.activeAtMs = this.#clock.nowMs();
      if (isActive) this.active.add(unit);
      else this.active.delete(unit);
    }
  }
}
