// registry: the only place that knows etcd: keys, records, lease, mirror, elections, transactions.
// Knows nothing of systemd, HTTP or of how placement is decided.
// Start here (the low port), then keys.ts; connect-registry.ts puts the parts together.
import type { Brand } from '../lib/brand.ts';
import type { HistogramReading } from '../lib/metric.ts';
import type { Result } from '../lib/result.ts';
import type { Revision } from '../model/ids.ts';

/** An etcd lease: an int64 as decimal text. */
export type LeaseId = Brand<string, 'LeaseId'>;

/** Half open: `from` belongs to it, `to` does not. */
export interface KeyRange {
  readonly from: string;
  readonly to: string;
}

/** One key as it stood at the revision of the reading. */
export interface StoredItem {
  readonly key: string;
  /** Empty when only keys were asked for. */
  readonly value: string;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  /** null: it hangs on no lease. */
  readonly leaseId: LeaseId | null;
}

/** What to read; items come sorted by key. */
export interface RangeRequest {
  readonly range: KeyRange;
  readonly limitCount: number;
  /** null: the newest. */
  readonly revision: Revision | null;
  readonly keysOnly: boolean;
}

/** What every answer begins with. */
export interface StoreHeader {
  /** Which etcd cluster answered: its own id, not ours. */
  readonly storeId: string;
  /** The store's revision when it answered; never below what it was when it was asked. */
  readonly revision: Revision;
}

/** How full a store is. */
export interface StoreSpace {
  /** Of the member that answers: its file, holes that a defragmentation would free included. */
  readonly sizeBytes: number;
  /** etcd takes no more writes: its quota is used up. */
  readonly isFull: boolean;
}

/** A reading at one revision. */
export interface RangeAnswer {
  readonly header: StoreHeader;
  readonly revision: Revision;
  readonly items: readonly StoredItem[];
  /** There are more keys than `limitCount` in the range. */
  readonly hasMore: boolean;
  /** All keys of the range, also those beyond the limit. */
  readonly totalCount: number;
}

/**
 * Why a revision cannot be read: `compacted` (too old), `future` (the store has not got there: it
 * was restored, or the asker made it up).
 */
export type RevisionRefusal = 'compacted' | 'future';

/** A condition of a transaction. */
export type Compare =
  /** The key exists and was created at that revision: nobody deleted it since. */
  | { readonly kind: 'created'; readonly key: string; readonly at: Revision }
  /** The key was last written at that revision: nobody wrote it since. */
  | { readonly kind: 'modified'; readonly key: string; readonly at: Revision }
  | { readonly kind: 'absent'; readonly key: string }
  /** No key at all in the range. */
  | { readonly kind: 'empty'; readonly range: KeyRange };

/** A write of a transaction. No key twice in one transaction. */
export type Op =
  | {
      readonly kind: 'put';
      readonly key: string;
      readonly value: string;
      readonly leaseId: LeaseId | null;
    }
  | { readonly kind: 'delete'; readonly key: string };

/** All of `writes` in one revision if all of `onlyIf` holds; otherwise nothing. */
export interface TxnRequest {
  readonly onlyIf: readonly Compare[];
  readonly writes: readonly Op[];
}

/** `revision` is that of the write when it succeeded, otherwise the store's. */
export interface TxnAnswer {
  readonly storeId: string;
  readonly succeeded: boolean;
  readonly revision: Revision;
}

/** One change of one key. */
export type WatchEvent =
  | { readonly kind: 'put'; readonly item: StoredItem }
  | { readonly kind: 'delete'; readonly key: string; readonly revision: Revision };

/** Who listens to a watch. */
export interface WatchHandler {
  /** Changes in order, whole revisions at a time; `revision` is that of the last one. */
  events(events: readonly WatchEvent[], revision: Revision): void;
  /** The store said something without a change: it began, or answered `requestProgress`. */
  alive(): void;
  /** It is over; called at most once, never after `stop`. */
  ended(why: 'compacted' | 'broken'): void;
}

/** A running watch. */
export interface Watch {
  /** Asks for a sign of life, which comes as `alive`. */
  requestProgress(): void;
  /** Ends it without a word. */
  stop(): void;
}

/** A lease as the store grants it. */
export interface LeaseGrant {
  readonly leaseId: LeaseId;
  readonly ttlMs: number;
}

/** What the store says of a lease. */
export interface LeaseStanding {
  /** Of the member that answered, which may be behind the others. */
  readonly header?: StoreHeader;
  /** Rounded down to whole seconds by etcd. After a renewal this is the full TTL. */
  readonly remainingMs: number;
  /** The TTL it was granted with. */
  readonly grantedMs: number;
  /** A new etcd leader (a new raft term) extends every lease by itself. */
  readonly raftTerm: string;
}

/**
 * The store, as little of it as is needed: etcd or its twin in memory. Every request may throw
 * FleetError: `registry/unavailable` (it surely had no effect), `registry/unknown-outcome` (a
 * write was sent and its answer was lost), `registry/refused`, `registry/full` (no space for a
 * put), `registry/lease-lost` (a put on a lease that is gone). Nothing here tries twice.
 */
export interface Store {
  /** Which etcd cluster is at the other end; null: nothing was heard over this connection yet. */
  readonly storeId: string | null;
  range(request: RangeRequest, signal: AbortSignal): Promise<Result<RangeAnswer, RevisionRefusal>>;
  /** Several readings in one request, all at one revision; at most `batchOpsMax`. */
  ranges(
    requests: readonly RangeRequest[],
    signal: AbortSignal,
  ): Promise<Result<readonly RangeAnswer[], RevisionRefusal>>;
  txn(request: TxnRequest, signal: AbortSignal): Promise<TxnAnswer>;
  /** Everything that happened in the range from that revision on. */
  watch(range: KeyRange, from: Revision, handler: WatchHandler): Watch;
  grantLease(ttlMs: number, signal: AbortSignal): Promise<LeaseGrant>;
  /** Back to its full TTL; null: etcd says that it is gone. `withinMs` bounds the wait. */
  renewLease(
    leaseId: LeaseId,
    withinMs: number,
    signal: AbortSignal,
  ): Promise<LeaseStanding | null>;
  /** Looks without renewing; null: etcd says that it is gone. */
  inspectLease(leaseId: LeaseId, signal: AbortSignal): Promise<LeaseStanding | null>;
  /** Deletes it with every key on it. Not an error when it is gone already. */
  revokeLease(leaseId: LeaseId, signal: AbortSignal): Promise<void>;
  space(signal: AbortSignal): Promise<StoreSpace>;
  /** The servers that the store consists of. */
  members(signal: AbortSignal): Promise<readonly StoreMember[]>;
  /** Requests so far, by kind. */
  counts(): ReadonlyMap<RequestKind, RequestCount>;
  close(): void;
}

/** One server of the store. */
export interface StoreMember {
  readonly name: string;
  /** Where it says that it answers; none before it has started for the first time. */
  readonly clientUrls: readonly string[];
  /** It takes part without a vote, and answers nobody, until it has caught up. */
  readonly isLearner: boolean;
}

/** Kinds of requests, for counters: each is one message to etcd. */
export type RequestKind =
  | 'range'
  /** Several readings at one revision: to etcd, a transaction. */
  | 'ranges'
  | 'txn'
  | 'watch'
  | 'progress'
  | 'grant'
  | 'inspect'
  | 'revoke'
  | 'renewal'
  | 'space'
  | 'members';

/** How many were sent and how many of them failed. */
export interface RequestCount {
  readonly sentCount: number;
  readonly failedCount: number;
  /** How long answers took; null when it is not measured, as for what runs over streams. */
  readonly durations: HistogramReading | null;
}

/** The range of one key. */
export function oneKey(key: string): KeyRange {
  return { from: key, to: `${key}\0` };
}

/** The range of all keys that begin with `prefix`, which must end in an ASCII character. */
export function withPrefix(prefix: string): KeyRange {
  const last = prefix.charCodeAt(prefix.length - 1);
  return { from: prefix, to: prefix.slice(0, -1) + String.fromCharCode(last + 1) };
}
