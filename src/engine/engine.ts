import { backoffMs } from '../lib/backoff.ts';
import { type Clock, rest } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { Election, LeaderSession } from '../model/ledger.ts';
import type { EngineMeter } from '../model/meters.ts';
import type { BrakeRules } from './brake.ts';
import { limits } from './limits.ts';
import { serveTerm } from './term.ts';

/** What the engine works with. */
export interface EngineParts {
  readonly election: Election;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: EngineMeter;
  /** When most machines vanish at once. */
  readonly brake: BrakeRules;
}

/**
 * Stands for election and leads, term after term, until `signal` aborts. Ends with an error only
 * for a broken invariant.
 */
export async function runEngine(parts: EngineParts, signal: AbortSignal): Promise<void> {
  const { election, clock, log } = parts;
  let troubleCount = 0;
  while (!signal.aborted) {
    try {
      const session = await election.lead(signal);
      if (session === null) return;
      troubleCount = 0;
      await lead(parts, session, signal);
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      troubleCount += 1;
      const { code, hint } = error.trouble;
      const fields = { code, hint, problem: error.message };
      if (troubleCount === 1) log.warn(fields, 'could not stand for election');
      const pauses = { firstMs: limits.retryFirstMs, maxMs: limits.retryMaxMs };
      await rest(backoffMs(troubleCount, pauses), clock, signal);
    }
  }
}

async function lead(
  parts: EngineParts,
  session: LeaderSession,
  signal: AbortSignal,
): Promise<void> {
  const { log, meter } = parts;
  const term = String(session.term);
  meter?.termBegan(session);
  log.info({ term }, 'became leader');
  try {
    await serveTerm(parts, session, signal);
  } finally {
    meter?.termEnded();
    await close(session, log);
  }
  log.info({ term }, 'leads no more');
}

/** A leadership that cannot be given up in time ends with its lease. */
async function close(session: LeaderSession, log: Logger): Promise<void> {
  try {
    await session.close();
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    log.debug({ problem: error.message }, 'could not give leadership up');
  }
}
