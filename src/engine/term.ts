import { backoffMs } from '../lib/backoff.ts';
import { type Clock, rest } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { Wake } from '../lib/wake.ts';
import type { Decision } from '../model/change.ts';
import type { LeaderSession } from '../model/ledger.ts';
import type { EngineMeter } from '../model/meters.ts';
import type { BrakeRules } from './brake.ts';
import { limits } from './limits.ts';
import { enginePass, type PassOutcome } from './pass.ts';
import { Planner } from './planner.ts';
import { unreadableLog } from './unreadable-log.ts';

/** What a term of leadership works with. */
export interface TermParts {
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: EngineMeter;
  readonly brake: BrakeRules;
}

const pauses = { firstMs: limits.retryFirstMs, maxMs: limits.retryMaxMs };

/** Leads until the term or the signal ends: one pass at a time, after each change. */
export async function serveTerm(
  parts: TermParts,
  session: LeaderSession,
  signal: AbortSignal,
): Promise<void> {
  const { clock, log, meter } = parts;
  const wake = new Wake();
  const planner = new Planner();
  let changedAtMs: number | null = null; // the first change that no pass has answered
  session.onChange(() => {
    changedAtMs ??= clock.nowMs();
    wake.nudge();
  });
  const sayOversized = onceEach(log);
  const giveUp = (decision: Decision): void => {
    meter?.gaveUp(decision);
    sayOversized(decision);
  };
  const sayUnreadable = unreadableLog(log);
  const troubles = new Troubles(log);
  let overtakenCount = 0;
  while (!signal.aborted && session.isLive()) {
    wake.clear();
    sayUnreadable(session.picture());
    const beganAtMs = clock.nowMs();
    const sinceMs: number = changedAtMs ?? beganAtMs;
    changedAtMs = null;
    const outcome = await troubles.watch(() =>
      enginePass({ ...parts, session, planner, sinceMs }, giveUp, signal),
    );
    meter?.passEnded(outcome?.kind ?? 'failed', clock.nowMs() - beganAtMs);
    if (outcome?.kind !== 'settled') changedAtMs = sinceMs;
    if (outcome?.kind === 'deposed') return;
    if (outcome === null) {
      await rest(backoffMs(troubles.count, pauses), clock, signal);
    } else if (outcome.kind === 'settled') {
      overtakenCount = 0;
      const { wakeAtMs } = outcome;
      const restMs = wakeAtMs === null ? null : Math.max(wakeAtMs - clock.wallMs(), 0);
      const settledAtMs = clock.nowMs();
      await wake.rest(restMs, clock, signal);
      // What comes after a quiet moment is answered at once; what comes thick and fast is gathered.
      const quietMs = clock.nowMs() - settledAtMs;
      if (quietMs < limits.gatherMs) await rest(limits.gatherMs - quietMs, clock, signal);
    } else {
      overtakenCount += 1;
      const extraCount = overtakenCount - limits.replansMax;
      if (extraCount > 0) await rest(backoffMs(extraCount, pauses), clock, signal);
    }
  }
}

/** Counts troubles in a row, and logs only the first of them and their end. */
class Troubles {
  count = 0;
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  /** The pass's outcome; null when the store was in the way. */
  async watch(pass: () => Promise<PassOutcome>): Promise<PassOutcome | null> {
    try {
      const outcome = await pass();
      if (this.count > 0) this.#log.info({ tries: this.count }, 'could write again');
      this.count = 0;
      return outcome;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      this.count += 1;
      const { code, hint } = error.trouble;
      const fields = { code, hint, problem: error.message };
      if (this.count === 1) this.#log.warn(fields, 'could not write, all orders stay as they are');
      return null;
    }
  }
}

/** A decision that fits into no transaction is told once, as long as it stays the same. */
function onceEach(log: Logger): (decision: Decision) => void {
  const told = new Map<string, string>();
  return ({ subject, reason, changes }) => {
    if (told.get(subject) === reason) return;
    told.set(subject, reason);
    const fields = { unit: subject, reason, changes: changes.length, max: limits.batchChangesMax };
    log.error(fields, 'decision is too large to be written, split the group of units');
  };
}
