import type { Withheld } from './lease-keeper.ts';
import type { LeaseId, StoreHeader } from './store.ts';

/** What the main thread tells the keeper thread. */
export type KeeperOrder =
  | {
      readonly kind: 'keep';
      /** Goes up with each; reports carry it. */
      readonly number: number;
      readonly leaseId: LeaseId;
      readonly ttlMs: number;
      /** Renew now, not after a third of the TTL. */
      readonly atOnce: boolean;
    }
  | { readonly kind: 'let-go' }
  /** The create revision of `engine/leader` in digits; null: this machine does not lead. */
  | { readonly kind: 'lead'; readonly term: string | null }
  /** The main thread uses that member. */
  | { readonly kind: 'member'; readonly endpoint: string };

/** What became of one turn, from the keeper thread; times are of the clock that both share. */
export type KeeperReport =
  | {
      readonly kind: 'answered';
      readonly number: number;
      readonly sentAtMs: number;
      readonly atMs: number;
      /** The etcd that answered may be another one than the main thread follows. */
      readonly header?: StoreHeader;
    }
  | {
      readonly kind: 'failed';
      readonly number: number;
      readonly problem: string;
      readonly endpoint: string;
      readonly sentAtMs: number;
    }
  | {
      readonly kind: 'withheld';
      readonly number: number;
      readonly why: Withheld;
      /** It was renewed the turn before. */
      readonly isNew: boolean;
    }
  | { readonly kind: 'gone'; readonly number: number; readonly atMs: number }
  | { readonly kind: 'slept'; readonly number: number; readonly sleptMs: number }
  | { readonly kind: 'stood-down'; readonly number: number };

/** What the keeper thread is started with. */
export interface KeeperStart {
  readonly endpoints: readonly string[];
  readonly tls: {
    readonly ca: Uint8Array | null;
    readonly cert: Uint8Array | null;
    readonly key: Uint8Array | null;
  } | null;
  readonly login: { readonly username: string; readonly password: string } | null;
  /** Which member to begin with. */
  readonly firstMember: number;
  /** `wedge_seconds` */
  readonly wedgeMs: number;
  /** The key of `engine/leader`. */
  readonly leaderKey: string;
  /** See `SharedSigns`. */
  readonly signs: SharedArrayBuffer;
}
