import { randomUUID } from 'node:crypto';
import { backoffMs } from '../lib/backoff.ts';
import { type Clock, rest } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { Registry } from '../registry/connect-registry.ts';
import type { RegistrationOutcome } from '../registry/registration.ts';
import type { StoreMemory } from './store-memory.ts';

/** What becoming and staying a member needs. */
export interface MembershipOptions {
  readonly registry: Registry;
  readonly memory: StoreMemory;
  readonly clock: Clock;
  readonly log: Logger;
  /** Random ids of clusters; simulations give their own. */
  readonly newClusterId?: () => string;
}

/** Pauses between looks at a store that is away or not ours: an operator may settle it any time. */
const settlePauses = { firstMs: 100, maxMs: 500 } as const;

/**
 * Waits until the store is this machine's cluster, then registers the machine. Nothing is loaded or
 * started before this ends with `registered`.
 */
export async function becomeMember(
  options: MembershipOptions,
  signal: AbortSignal,
): Promise<RegistrationOutcome> {
  const isOver = new AbortController();
  const following = followStore(options, AbortSignal.any([signal, isOver.signal]));
  try {
    await options.registry.gate.opened(signal);
    return await options.registry.registration.join(signal);
  } finally {
    isOver.abort();
    await following;
  }
}

/**
 * Keeps finding out whether the store is ours until abort: at first, and whenever something says
 * that it may not be any more. While it is not, it looks again and again, and everything else
 * stands still. Never rejects with FleetError.
 */
export async function followStore(options: MembershipOptions, signal: AbortSignal): Promise<void> {
  const { registry, clock } = options;
  const { gate, cluster } = registry;
  const trouble = new SettleTrouble(options);
  const say = sayStanding(options);
  const forget = rememberRevisions(options);
  for (let failedCount = 0; !signal.aborted; ) {
    if (gate.isOpen && failedCount === 0) {
      await cluster.changed(signal);
      // A connection that flaps is no loop.
      if (gate.isOpen) await rest(settlePauses.firstMs, clock, signal);
    }
    if (signal.aborted) break;
    const isSettled = await settleOnce(options, trouble, signal);
    say();
    failedCount = isSettled ? 0 : failedCount + 1;
    if (!isSettled) await rest(backoffMs(failedCount, settlePauses), clock, signal);
  }
  forget();
}

/** One look; false while the store is away or not ours. */
async function settleOnce(
  { registry, memory, newClusterId = randomUUID }: MembershipOptions,
  trouble: SettleTrouble,
  signal: AbortSignal,
): Promise<boolean> {
  const { cluster, gate } = registry;
  try {
    const verdict = await cluster.settle(memory.read(), newClusterId(), signal);
    if (gate.known !== null && verdict.kind === 'join') memory.keepCluster(gate.known);
    trouble.over(verdict.kind === 'join');
    return verdict.kind === 'join';
  } catch (error) {
    if (!(error instanceof FleetError)) throw error;
    if (!signal.aborted) trouble.met(error);
    return false;
  }
}

/** Says once that the store cannot be looked at, as long as it was not settled whose it is. */
class SettleTrouble {
  readonly #options: MembershipOptions;
  #said: string | null = null;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  met(error: FleetError): void {
    const { code, hint } = error.trouble;
    const { log, registry } = this.#options;
    // Later on, the lease tells of a store that is away.
    if (registry.gate.standing.kind !== 'unknown' || this.#said === code) return;
    this.#said = code;
    log.warn({ problem: messageOf(error), code, hint }, 'waiting for the store');
  }

  over(isJoined: boolean): void {
    if (this.#said !== null && isJoined) {
      this.#options.log.info({}, 'found the store of this cluster');
    }
    this.#said = null;
  }
}

/** One line when the store stops being ours, for each other reason, and when it is ours again. */
function sayStanding({ registry, log }: MembershipOptions): () => void {
  const { gate } = registry;
  let said = gate.standing.kind === 'frozen' ? gate.standing.why : null;
  return () => {
    const { standing } = gate;
    if (standing.kind === 'frozen') {
      const { why, reason } = standing;
      if (why !== said) log.warn({ why, reason }, 'froze: the store is not ours');
      said = why;
    } else if (standing.kind === 'ours' && said !== null) {
      said = null;
      const { clusterId, epoch } = standing;
      log.info({ clusterId, epoch }, 'thawed: the store is ours');
    }
  };
}

function rememberRevisions({ registry, memory }: MembershipOptions): () => void {
  return registry.gate.onRevision(() => {
    if (registry.gate.known !== null) memory.note(registry.gate.known);
  });
}
