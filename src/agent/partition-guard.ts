import type { Clock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { deadlineFor, renewalAgeMsMax } from '../model/hold.ts';
import type { AgentLedger, OrderBook } from '../model/ledger.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Disk } from './disk.ts';
import type { AgentPaths } from './files.ts';
import { deadlineUnit, GuardUnits, isolatedUnit } from './guard-units.ts';
import { agentLimits } from './limits.ts';
import { refused } from './refusal.ts';
import type { Systemd } from './systemd.ts';

/** The lease of this machine, as far as the guard asks. */
export interface LeaseBeat {
  /** The granted TTL, ms. */
  readonly ttlMs: number;
  /** Calls back after each renewal with the monotonic time at which it was sent. */
  onRenewed(listener: (sentAtMs: number) => void): unknown;
  /** Calls back when the lease is lost. */
  onLost(listener: () => void): unknown;
}

/** What the guard works with. */
export interface PartitionGuardParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly ledger: Pick<AgentLedger, 'isCurrent' | 'onChange'>;
  /** null: there is none, so no unit with `OnPartition=stop` ever starts here. */
  readonly lease: LeaseBeat | null;
  readonly paths: AgentPaths;
  readonly disk: Disk;
  /** Milliseconds since the machine booted, those of a suspend included. */
  readonly uptimeMs: () => number;
  /** Something changed that a pass should see. */
  readonly nudge: () => void;
}

/**
 * Keeps the promise of `OnPartition=stop` on this machine (docs/adr/0016): a unit of systemd's ends
 * them unless its deadline is put off after each renewal of the lease. Nothing here stops a unit;
 * this only says that they may go on, and that they may start again.
 */
export class PartitionGuard {
  readonly #parts: PartitionGuardParts;
  readonly #units: GuardUnits;
  #systemd: Systemd | null = null;
  /** The deadline of the units on disk; null: there are none. */
  #deadlineMs: number | null = null;
  #isKnown = false;
  /** The last renewal that may count, and the last one that did. Monotonic. */
  #renewedAtMs = Number.NEGATIVE_INFINITY;
  #armedForMs = Number.NEGATIVE_INFINITY;
  /** Before this PID 1 does not act; what a dead daemon armed is not known here. */
  #safeUntilMs = Number.NEGATIVE_INFINITY;
  #isMarked = false;
  /** Why the guard could not be made, as last logged. */
  #problem: string | null = null;
  #arming: Promise<void> | null = null;
  #releasing: Promise<void> | null = null;
  #clockGapMs: number | null = null;

  constructor(parts: PartitionGuardParts) {
    this.#parts = parts;
    this.#units = new GuardUnits(parts.disk, parts.paths);
    parts.lease?.onRenewed((sentAtMs) => this.#renewed(sentAtMs));
    parts.lease?.onLost(() => void this.#hasSlept());
    parts.ledger.onChange(() => void this.#arm());
  }

  /** The units of systemd's there are now; call first on each connection. Throws FleetError. */
  async attach(systemd: Systemd): Promise<void> {
    this.#systemd = systemd;
    this.#deadlineMs = await this.#units.installedMs();
    this.#isMarked = this.#deadlineMs !== null && (await this.#units.isMarked());
    this.#isKnown = true;
    await this.#arm();
  }

  detach(): void {
    this.#systemd = null;
    this.#isKnown = false;
  }

  /** Why no unit with `OnPartition=stop` may start here now, in words; null when they may. */
  whyNot(): string | null {
    if (this.#parts.lease === null) return 'there is no lease to watch over';
    if (this.#isMarked) return 'this machine was cut off, waits until its lease is renewed';
    const isSafe = this.#safeUntilMs - this.#parts.clock.nowMs() > 0;
    return isSafe ? null : 'waits for a renewal of the lease (OnPartition=stop)';
  }

  /** True between the deadline and the first pass after the lease is held again. */
  get isIsolated(): boolean {
    return this.#isMarked;
  }

  /**
   * Before each plan: makes the guard where orders need it, takes it away where nothing does, and
   * lets units start again after an isolation. `letGo` forgets that they were started. A trouble
   * keeps back the units that need the guard, and no others; it is tried again.
   */
  async keep(
    book: OrderBook | null,
    guarded: readonly UnitName[],
    letGo: (unit: UnitName) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.#keep(book, guarded, letGo, signal);
      this.#problem = null;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      const { clock, log, nudge } = this.#parts;
      const { message: problem } = error;
      if (problem !== this.#problem) log.warn({ problem }, 'no guard for OnPartition=stop');
      this.#problem = problem;
      clock.after(agentLimits.retryFirstMs, nudge);
    }
  }

  async #keep(
    book: OrderBook | null,
    guarded: readonly UnitName[],
    letGo: (unit: UnitName) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { log, nudge } = this.#parts;
    if (this.#systemd === null || !this.#isKnown || book === null) return;
    const wanted = this.#wantedMs(book);
    if (wanted === null && this.#deadlineMs === null) return;
    this.#isMarked = await this.#units.isMarked();
    if (wanted !== null && wanted !== this.#deadlineMs) await this.#install(wanted);
    if (wanted === null && guarded.length === 0) {
      if (this.#parts.ledger.isCurrent()) await this.#remove(signal);
      return;
    }
    if (!this.#isMarked || !this.#maySafely()) return;
    // It may take as long as the slowest of them takes to stop, and other units wait for nobody.
    this.#releasing ??= this.#release(guarded, letGo, signal)
      .catch((error: unknown) => log.debug({ problem: messageOf(error) }, 'still isolated'))
      .finally(() => {
        this.#releasing = null;
        nudge();
      });
  }

  /** To be called right before a start. Throws FleetError `systemd/refused`. */
  requireSafe(): void {
    const why = this.whyNot();
    if (why !== null) throw refused(why);
  }

  /** To be called when a start job is done: one that its condition held back ends well, too. */
  async requireStarted(): Promise<void> {
    this.#isMarked = await this.#units.isMarked();
    if (this.#isMarked) throw refused('this machine was cut off meanwhile');
  }

  /** Writes what makes systemd stop a unit, with its fencing token. */
  async writeDropIn(unit: UnitName, token: string): Promise<void> {
    await this.#units.writeDropIn(unit, token);
  }

  #renewed(sentAtMs: number): void {
    if (this.#hasSlept()) return;
    this.#renewedAtMs = Math.max(this.#renewedAtMs, sentAtMs); // answers may overtake one another
    void this.#arm();
  }

  /** The shortest deadline that any order counts on; null when no unit here has one. */
  #wantedMs(book: OrderBook): number | null {
    const { lease } = this.#parts;
    if (lease === null) return null;
    let shortestMs: number | null = null;
    for (const { guard, want } of book.orders.values()) {
      if (guard === undefined || want === 'gone') continue;
      shortestMs = Math.min(shortestMs ?? deadlineFor(lease.ttlMs), guard.deadlineMs);
    }
    return shortestMs;
  }

  async #install(deadlineMs: number): Promise<void> {
    const hadOne = this.#deadlineMs !== null;
    await this.#units.install(deadlineMs);
    if (hadOne) await this.#systemd?.reload();
    this.#deadlineMs = deadlineMs;
    this.#armedForMs = Number.NEGATIVE_INFINITY;
    await this.#arm();
  }

  async #remove(signal: AbortSignal): Promise<void> {
    const systemd = this.#systemd;
    if (systemd === null) return;
    await systemd.stop(deadlineUnit, signal);
    await systemd.stop(isolatedUnit, signal);
    await systemd.resetFailed(deadlineUnit);
    await this.#units.remove();
    await this.#units.unmark();
    this.#deadlineMs = null;
    this.#isMarked = false;
    this.#safeUntilMs = Number.NEGATIVE_INFINITY;
  }

  /** Enough of the deadline is left to do something before it passes. */
  #maySafely(): boolean {
    const { clock, ledger } = this.#parts;
    const leftMs = this.#safeUntilMs - clock.nowMs();
    return ledger.isCurrent() && leftMs > (this.#deadlineMs ?? 0) / 4;
  }

  async #release(
    guarded: readonly UnitName[],
    letGo: (unit: UnitName) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { log } = this.#parts;
    await this.#systemd?.stop(isolatedUnit, signal);
    for (const unit of guarded) await letGo(unit);
    if (!this.#maySafely()) return; // the next renewal comes with another try
    await this.#units.unmark();
    this.#isMarked = false;
    log.warn(
      { units: guarded },
      'machine was cut off, units with OnPartition=stop may start again',
    );
  }

  /** Puts the deadline off, when the last renewal is young enough and the machine is registered. */
  #arm(): Promise<void> {
    this.#arming ??= this.#armOnce().finally(() => {
      this.#arming = null;
    });
    return this.#arming;
  }

  async #armOnce(): Promise<void> {
    const { clock, ledger, lease, log, nudge } = this.#parts;
    const [systemd, deadlineMs, sentAtMs] = [this.#systemd, this.#deadlineMs, this.#renewedAtMs];
    if (systemd === null || deadlineMs === null || lease === null) return;
    const beganAtMs = clock.nowMs();
    if (sentAtMs <= this.#armedForMs || !ledger.isCurrent()) return;
    if (beganAtMs - sentAtMs >= renewalAgeMsMax(lease.ttlMs)) return;
    try {
      await systemd.restart(deadlineUnit);
    } catch (error) {
      log.debug({ problem: messageOf(error) }, 'could not put the deadline off');
      return;
    }
    this.#armedForMs = sentAtMs;
    const wasSafe = this.whyNot() === null;
    this.#safeUntilMs = beganAtMs + deadlineMs;
    if (!wasSafe) nudge();
  }

  /**
   * A suspended machine counts no time: neither does systemd, so that the deadline comes too late.
   * True when it was suspended since the last look; then the units are stopped at once.
   */
  #hasSlept(): boolean {
    const { clock, uptimeMs, lease, log } = this.#parts;
    if (this.#deadlineMs === null || lease === null) {
      this.#clockGapMs = null;
      return false;
    }
    const gapMs = uptimeMs() - clock.nowMs();
    const sleptMs = this.#clockGapMs === null ? 0 : gapMs - this.#clockGapMs;
    this.#clockGapMs = gapMs;
    if (sleptMs < agentLimits.suspendMsMin) return false;
    if (sleptMs < lease.ttlMs) return true; // its answer may be as old as that
    log.warn({ sleptMs: Math.round(sleptMs) }, 'machine was suspended, its lease counts as lost');
    this.#systemd?.restart(isolatedUnit).catch((error: unknown) => {
      log.warn({ problem: messageOf(error) }, 'could not stop units with OnPartition=stop');
    });
    return true;
  }
}
