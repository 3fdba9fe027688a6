import type { Revision } from '../model/ids.ts';
import type { LeaseId, StoreHeader } from './store.ts';

/** A lease that is to be renewed. */
export interface KeptLease {
  readonly leaseId: LeaseId;
  /** As it was granted. */
  readonly ttlMs: number;
}

/** A renewal that etcd answered; times of the monotonic clock that the whole process shares. */
export interface Renewal {
  /** When it was asked for, or earlier: the lease holds for its TTL from then on at least. */
  readonly sentAtMs: number;
  /** When the answer came. */
  readonly atMs: number;
  /** Who answered, where that was not looked at yet; absent: the gate has let the answer pass. */
  readonly header?: StoreHeader;
}

/** What a keeper tells of the lease it keeps, until it lets it go. */
export interface LeaseEvents {
  answered(renewal: Renewal): void;
  /** A renewal failed or was withheld; the next one follows. */
  failed(problem: string): void;
  /**
   * The lease is gone, and is not renewed any more. Not sure: an etcd says so that may be another
   * cluster's, since the keeper has a connection of its own.
   */
  gone(isSure: boolean): void;
}

/** Why a keeper does not renew: the main loop, or the agent's way to systemd, does not answer. */
export type Withheld = 'loop' | 'systemd';

/** What a keeper did besides renewing, since the daemon started. */
export interface KeeperCounts {
  /** Times that it began to let the lease expire. */
  readonly withheld: Readonly<Record<Withheld, number>>;
  /** Times that it gave up `engine/leader` for a main loop that was stuck. */
  readonly stoodDownCount: number;
  /** Times that the machine slept for longer than the TTL. */
  readonly sleptCount: number;
  /** Times that it had to be started again. */
  readonly restartCount: number;
}

/** Renews the lease of this machine, one at a time, wherever that is done. */
export interface LeaseKeeper {
  /** Renews every third of the TTL, tried again within a sixth. Returns what lets it go. */
  keep(lease: KeptLease, events: LeaseEvents): () => void;
  /** The term that this machine leads; null: it does not. */
  lead(term: Revision | null): void;
  /** Ends once a lease held here would be renewed; never rejects. */
  mayHold(signal: AbortSignal): Promise<void>;
  /** From now on the agent works with systemd and is expected to get answers. */
  expectSystemd(): void;
  /** systemd answered the agent. */
  systemdAnswered(): void;
  counts(): KeeperCounts;
  close(): void;
}
