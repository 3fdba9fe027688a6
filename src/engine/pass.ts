import type { Clock } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { inTurns } from '../lib/steps.ts';
import type { Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId } from '../model/ids.ts';
import type { LeaderSession } from '../model/ledger.ts';
import type { EngineMeter } from '../model/meters.ts';
import { toBatches } from './batch.ts';
import type { BrakeRules } from './brake.ts';
import { logDecision } from './decision-log.ts';
import { limits } from './limits.ts';
import type { Planner } from './planner.ts';

/** What a pass works with. */
export interface PassParts {
  readonly session: LeaderSession;
  /** Knows the plan before. */
  readonly planner: Planner;
  readonly clock: Clock;
  readonly log: Logger;
  readonly meter?: EngineMeter;
  readonly brake: BrakeRules;
  /** When the first change came that this pass answers; monotonic. */
  readonly sinceMs: number;
}

/**
 * What became of a pass: `settled` (everything is written; plan again at `wakeAtMs`, wall time),
 * `overtaken` (the picture changed under it: plan again), `deposed` (the term is over).
 */
export type PassOutcome =
  | { readonly kind: 'settled'; readonly wakeAtMs: number | null }
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'deposed' };

/** Observes, decides and writes, once. Throws FleetError when the store is away. */
export async function enginePass(
  parts: PassParts,
  sayOversized: (decision: Decision) => void,
  signal: AbortSignal,
): Promise<PassOutcome> {
  const { session, planner, clock, log } = parts;
  const braking = { rules: parts.brake, overdue: await overdueMachines(parts, signal) };
  const picture = session.picture();
  const nowMs = clock.wallMs();
  const absenceCountsAtMs = nowMs + session.absenceCountsInMs();
  const absentForMs = (id: MachineId): number => session.absentForMs(id);
  const steps = planner.plan(picture, { nowMs, absenceCountsAtMs, absentForMs }, braking);
  const plan = await inTurns(steps, limits.planTurnMs, clock, signal);
  if (plan === null) return { kind: 'overtaken' };
  const { batches, oversized } = toBatches(plan.decisions, limits.batchChangesMax);
  for (const decision of oversized) sayOversized(decision);
  for (const batch of batches) {
    const outcome = await session.commit(batch, signal);
    if (outcome === 'deposed') return { kind: 'deposed' };
    if (outcome !== 'committed') return { kind: 'overtaken' };
    for (const decision of batch) {
      logDecision(log, decision, picture);
      count(parts, decision, picture);
    }
  }
  return { kind: 'settled', wakeAtMs: plan.wakeAtMs };
}

/**
 * Who else is about to vanish when a machine has: leases that nobody renews end one by one, within
 * a third of the TTL. What cannot be asked is taken for well, and so are fewer than make a brake.
 */
async function overdueMachines(
  { session, planner, brake }: PassParts,
  signal: AbortSignal,
): Promise<ReadonlySet<MachineId>> {
  const isAwaiting = session.absenceCountsInMs() > 0;
  const leastCount = isAwaiting ? null : planner.vanishingToBrake(session.picture(), brake);
  if (leastCount === null) return new Set();
  try {
    return await session.overdueMachines(leastCount, signal);
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    return new Set();
  }
}

function count(
  { meter, clock, sinceMs }: PassParts,
  decision: Decision,
  before: ClusterPicture,
): void {
  if (meter === undefined) return;
  meter.committed(decision);
  for (const change of decision.changes) {
    if (change.kind !== 'place' || change.placement.machine === null) continue;
    const stored = before.placements.get(change.unit);
    if (stored?.machine !== change.placement.machine) meter.placed(clock.nowMs() - sinceMs);
  }
}
