import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { Wake } from '../lib/wake.ts';
import type { AgentLedger } from '../model/ledger.ts';
import type { StateReport } from '../model/report.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { agentLimits } from './limits.ts';
import { type Reporting, sameReport } from './report.ts';

/**
 * Brings reports to the store: only what changed, gathered for a moment, again and again while the
 * store is away. Never holds up the work on units.
 */
export class Reporter {
  readonly #ledger: AgentLedger;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #wake = new Wake();
  /** What is to be in the store; null: no report. */
  readonly #wanted = new Map<UnitName, StateReport | null>();
  /** What is in the store; null until it was read. */
  #stored: Map<UnitName, StateReport> | null = null;
  /** Grows when the store may have lost reports, so that a reading from before does not count. */
  #doubtCount = 0;
  readonly #onStored: () => void;

  /** `onStored` is called once the reports from before a restart are known. */
  constructor(ledger: AgentLedger, clock: Clock, log: Logger, onStored: () => void) {
    this.#ledger = ledger;
    this.#clock = clock;
    this.#log = log;
    this.#onStored = onStored;
  }

  /** Units that have a report in the store, as far as is known, or are about to have one. */
  names(): ReadonlySet<UnitName> {
    const names = new Set(this.#stored?.keys());
    for (const [unit, report] of this.#wanted) if (report !== null) names.add(unit);
    return names;
  }

  /** Reports that are not in the store yet. */
  waitingCount(): number {
    return this.#stored === null ? this.#wanted.size : this.#changed(this.#stored).size;
  }

  /** Says what is true of a unit now. Cheap when nothing changed. */
  say(unit: UnitName, reporting: Reporting): void {
    if (reporting === 'leave') return;
    const report = reporting === 'delete' ? null : reporting;
    const before = this.#wanted.get(unit);
    if (before !== undefined && isSame(before, report)) return;
    this.#wanted.set(unit, report);
    this.#wake.nudge();
  }

  /** The store may have lost our reports (another lease): read and write them again. */
  doubt(): void {
    this.#doubtCount += 1;
    this.#stored = null;
    this.#wake.nudge();
  }

  /** Runs until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    let failureCount = 0;
    while (!signal.aborted) {
      this.#wake.clear();
      try {
        await this.#bring(signal);
        if (failureCount > 0) this.#log.info({ failureCount }, 'reports reached the store again');
        failureCount = 0;
      } catch (error) {
        if (signal.aborted) return;
        failureCount += 1;
        this.#stored = null; // the write may have happened, or half of it
        if (failureCount === 1) this.#sayFailure(error);
      }
      await this.#pause(failureCount, signal);
    }
  }

  async #pause(failureCount: number, signal: AbortSignal): Promise<void> {
    const quiet = new Wake(); // while the store is away, news do not make it come back
    if (failureCount > 0) {
      const limits = { firstMs: agentLimits.reconnectFirstMs, maxMs: agentLimits.reportRetryMsMax };
      await quiet.rest(backoffMs(failureCount, limits), this.#clock, signal);
      return;
    }
    await this.#wake.rest(null, this.#clock, signal);
    await quiet.rest(agentLimits.gatherMs, this.#clock, signal);
  }

  async #bring(signal: AbortSignal): Promise<void> {
    const doubtCount = this.#doubtCount;
    if (this.#stored === null) {
      const stored = await this.#ledger.readReports(signal);
      if (doubtCount !== this.#doubtCount) return this.#wake.nudge();
      this.#stored = new Map(stored);
      this.#onStored();
    }
    const changed = this.#changed(this.#stored);
    if (changed.size === 0) return;
    await this.#ledger.report(changed, signal);
    if (doubtCount !== this.#doubtCount) return;
    for (const [unit, report] of changed) {
      if (report === null) this.#stored.delete(unit);
      else this.#stored.set(unit, report);
    }
  }

  #changed(stored: ReadonlyMap<UnitName, StateReport>): Map<UnitName, StateReport | null> {
    const changed = new Map<UnitName, StateReport | null>();
    for (const [unit, report] of this.#wanted) {
      // What is deleted in the store is not remembered for ever.
      if (report === null && !stored.has(unit)) this.#wanted.delete(unit);
      if (!isSame(stored.get(unit) ?? null, report)) changed.set(unit, report);
    }
    return changed;
  }

  #sayFailure(error: unknown): void {
    const hint = error instanceof FleetError ? error.trouble.hint : undefined;
    this.#log.warn({ problem: messageOf(error), hint }, 'reports wait for the store');
  }
}

function isSame(left: StateReport | null, right: StateReport | null): boolean {
  return left === null || right === null ? left === right : sameReport(left, right);
}
