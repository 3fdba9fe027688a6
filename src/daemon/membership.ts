import { randomUUID } from 'node:crypto';
import { backoffMs } from '../lib/backoff.ts';
import { type Clock, rest } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry } from '../registry/connect-registry.ts';
import type { RegistrationOutcome } from '../registry/registration.ts';
import type { DiskRecord } from './memory.ts';

/** Which cluster this machine belongs to; kept in /var/lib/fleet. */
export interface RememberedCluster {
  readonly clusterId: string;
  readonly epoch: number;
}

/** Reads what `DiskRecord` found; null when it is not such a record. */
export function decodeRememberedCluster(value: unknown): RememberedCluster | null {
  if (typeof value !== 'object' || value === null) return null;
  const { clusterId, epoch } = value as Partial<RememberedCluster>;
  return typeof clusterId === 'string' && typeof epoch === 'number' ? { clusterId, epoch } : null;
}

/** What becoming a member needs. */
export interface MembershipOptions {
  readonly registry: Registry;
  readonly memory: DiskRecord<RememberedCluster>;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Pauses between looks at a store that is away or not ours: an operator may settle it any time. */
const settlePauses = { firstMs: 100, maxMs: 2_000 } as const;

/**
 * Waits until the store is this machine's cluster, then registers the machine. Nothing is loaded or
 * started before this ends with `registered`.
 */
export async function becomeMember(
  options: MembershipOptions,
  signal: AbortSignal,
): Promise<RegistrationOutcome> {
  if (!(await settleCluster(options, signal))) return { kind: 'stopped' };
  return options.registry.registration.join(signal);
}

async function settleCluster(options: MembershipOptions, signal: AbortSignal): Promise<boolean> {
  const { clock, log } = options;
  let said: string | null = null;
  for (let tryCount = 1; !signal.aborted; tryCount += 1) {
    const problem = await settleOnce(options, signal);
    if (problem === null) {
      if (said !== null) log.info({ tryCount }, 'found the store of this cluster');
      return true;
    }
    if (problem.text !== said && !signal.aborted) log.warn(problem.fields, problem.message);
    said = problem.text;
    await rest(backoffMs(tryCount, settlePauses), clock, signal);
  }
  return false;
}

interface Problem {
  readonly text: string;
  readonly message: string;
  readonly fields: object;
}

/** One look; null when the store is ours and remembered as such. */
async function settleOnce(
  { registry, memory }: MembershipOptions,
  signal: AbortSignal,
): Promise<Problem | null> {
  const known = memory.read();
  const remembered = {
    clusterId: known?.clusterId ?? null,
    epoch: known?.epoch ?? null,
    revision: null,
  };
  try {
    const verdict = await registry.cluster.settle(remembered, randomUUID(), signal);
    if (verdict.kind === 'freeze') {
      const { why, reason } = verdict;
      return { text: reason, message: 'froze: the store is not ours', fields: { why, reason } };
    }
    const { clusterId, epoch } = verdict.record;
    if (known?.clusterId !== clusterId || known.epoch !== epoch) memory.write({ clusterId, epoch });
    return null;
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    const problem = messageOf(error);
    const { code, hint } = error.trouble;
    return { text: code, message: 'waiting for the store', fields: { problem, code, hint } };
  }
}
