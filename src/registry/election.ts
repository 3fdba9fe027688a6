import { type Clock, rest } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import { hashRank } from '../lib/order.ts';
import { Wake } from '../lib/wake.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { Election, LeaderSession } from '../model/ledger.ts';
import { leaderCodec } from './codec.ts';
import { Follower } from './follower.ts';
import type { Keys } from './keys.ts';
import { StoreLeaderSession } from './leader-session.ts';
import type { MachineLease } from './lease.ts';
import { limits } from './limits.ts';
import type { Registration } from './registration.ts';
import { type LeaseId, oneKey, type Store, type StoredItem } from './store.ts';
import type { StoreGate } from './store-gate.ts';

/** What an election needs. */
export interface ElectionOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly lease: MachineLease;
  readonly registration: Registration;
  readonly gate: StoreGate;
}

/**
 * How long a candidate waits before it stands, so that a thousand of them do not race for one key:
 * by its hash rank for the last term, some at once, the others within the limit.
 */
export function standDelayMs(
  machine: MachineId,
  lastTerm: Revision,
  candidateCount: number,
): number {
  const place = hashRank(`${machine} ${lastTerm}`) / 2 ** 32;
  if (place * candidateCount < limits.standAtOnceCount) return 0;
  return place * limits.standDelayMsMax;
}

/** Stands for `engine/leader` whenever nobody holds it; follows that one key, never polls. */
export class StoreElection implements Election {
  readonly #options: ElectionOptions;

  constructor(options: ElectionOptions) {
    this.#options = options;
  }

  async lead(signal: AbortSignal): Promise<LeaderSession | null> {
    const { lease, registration, gate } = this.#options;
    const standing = new AbortController();
    const within = AbortSignal.any([signal, standing.signal]);
    const wake = new Wake();
    const nudge = (): void => wake.nudge();
    const forget = [registration.onChange(nudge), lease.onLost(nudge), gate.onChange(nudge)];
    const seat = new Seat(this.#options, wake);
    const following = seat.follow(within);
    try {
      return await this.#stand(seat, wake, signal);
    } finally {
      for (const each of forget) each();
      standing.abort();
      await following;
    }
  }

  async #stand(seat: Seat, wake: Wake, signal: AbortSignal): Promise<LeaderSession | null> {
    const { clock, lease, registration, gate } = this.#options;
    while (!signal.aborted) {
      wake.clear();
      const leaseId = lease.id;
      const isMember = gate.isOpen && registration.isRegistered;
      const isCandidate = leaseId !== null && isMember && seat.isKnown;
      const isOurs = seat.leader?.leaseId === leaseId;
      if (!isCandidate || (seat.leader !== null && !isOurs)) {
        await wake.rest(null, clock, signal);
        continue;
      }
      const session = await this.#tryOnce(seat, leaseId, signal);
      if (session !== null) return session;
      // Lost or in doubt: the watch tells what became of it; a store that is away tells nothing.
      await wake.rest(Math.min(limits.retryMaxMs, lease.ttlMs / 6), clock, signal);
    }
    return null;
  }

  /** null: not elected this time. */
  async #tryOnce(seat: Seat, leaseId: LeaseId, signal: AbortSignal): Promise<LeaderSession | null> {
    try {
      if (seat.leader !== null) {
        await this.#vacate(seat.leader, signal);
        return null;
      }
      await this.#waitTurn(seat, signal);
      if (seat.leader !== null || signal.aborted) return null;
      return await this.#run(leaseId, signal);
    } catch (thrown) {
      if (!(thrown instanceof FleetError)) throw thrown;
      await this.#options.registration.recheck(signal).catch(() => undefined); // still away
      return null;
    }
  }

  /**
   * A leadership found on our own lease is that of a process before us, which may not be dead, or
   * of a transaction whose answer was lost: it is never taken over, only ended.
   */
  async #vacate(leader: StoredItem, signal: AbortSignal): Promise<void> {
    const { store, keys } = this.#options;
    await store.txn(
      {
        onlyIf: [{ kind: 'created', key: keys.leader, at: leader.createRevision }],
        writes: [{ kind: 'delete', key: keys.leader }],
      },
      signal,
    );
  }

  async #waitTurn(seat: Seat, signal: AbortSignal): Promise<void> {
    const { store, keys, clock, registration } = this.#options;
    const range = keys.all('machines');
    const request = { range, limitCount: 1, revision: null, keysOnly: true };
    const machines = await store.range(request, signal);
    const candidateCount = machines.ok ? machines.value.totalCount : 1;
    const delayMs = standDelayMs(registration.machine, seat.lastTerm, candidateCount);
    if (delayMs > 0) await rest(delayMs, clock, signal);
  }

  async #run(leaseId: LeaseId, signal: AbortSignal): Promise<LeaderSession | null> {
    const { store, keys, clock, lease, registration, gate } = this.#options;
    const signature = leaderCodec.encode({ machine: registration.machine });
    const answer = await store.txn(
      {
        onlyIf: [{ kind: 'absent', key: keys.leader }, ...registration.guard()],
        writes: [
          { kind: 'put', key: keys.leader, value: signature, leaseId },
          { kind: 'put', key: keys.seq, value: signature, leaseId: null },
        ],
      },
      signal,
    );
    if (!answer.succeeded) {
      await registration.recheck(signal);
      return null;
    }
    const term = answer.revision;
    const session = new StoreLeaderSession({ store, keys, clock, lease, term, signature, gate });
    if (await session.ready(signal)) return session;
    await session.close();
    return null;
  }
}

/** `engine/leader` as it is now. */
class Seat {
  readonly #follower: Follower;
  leader: StoredItem | null = null;
  isKnown = false;
  /** The newest term that was seen here. */
  lastTerm = 0n as Revision;

  constructor(options: ElectionOptions, wake: Wake) {
    const { store, keys, clock, lease } = options;
    const watched = oneKey(keys.leader);
    const set = (leader: StoredItem | null): void => {
      this.leader = leader;
      this.isKnown = true;
      if (leader !== null) this.lastTerm = leader.createRevision;
      wake.nudge();
    };
    this.#follower = new Follower(
      {
        ...{ store, clock, watched, ttlMs: lease.ttlMs },
        ranges: [{ range: watched, keysOnly: false }],
        newest: () => options.gate.known?.revision ?? null,
      },
      {
        reset: (items) => set(items[0] ?? null),
        apply: (events) => {
          const last = events.at(-1);
          if (last !== undefined) set(last.kind === 'put' ? last.item : null);
        },
        troubled: () => undefined, // the lease tells of an etcd that is away
      },
    );
  }

  follow(signal: AbortSignal): Promise<void> {
    return this.#follower.run(signal);
  }
}
