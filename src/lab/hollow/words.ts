// hollow: machines without a systemd, thousands in a few processes, on a real etcd.
// What runs the machines is a program of its own (src/hollow), a child process; this folder starts
// it and says what came of it. Start with run.ts; here is what the two tell each other.

/** What a process of hollow machines is started with. */
export interface HollowStart {
  readonly kind: 'start';
  readonly endpoints: readonly string[];
  readonly keyPrefix: string;
  readonly ttlMs: number;
  /** The machines of this process: `count` of them from this number on. */
  readonly firstNumber: number;
  readonly count: number;
  /** Hex digits that begin each machine id. */
  readonly idStart: string;
}

/** What a process of hollow machines is told. */
export type HollowOrder =
  | HollowStart
  /** Cut the power of these: they stop at once and give nothing back. */
  | { readonly kind: 'fail'; readonly numbers: readonly number[] }
  /** Say what runs where. */
  | { readonly kind: 'list' }
  /** Give every lease back, then end. */
  | { readonly kind: 'leave' };

/** How far a process is; told a few times a second. Times are of the clock that all share. */
export interface HollowCounts {
  readonly registeredCount: number;
  /** Units whose stored report says that they are active. */
  readonly activeCount: number;
  /** When the last of them became so; 0: none has. */
  readonly activeAtMs: number;
  /** Leases of failed machines that etcd has let go, and when it let the last one go. */
  readonly expiredCount: number;
  readonly expiredAtMs: number;
  /** Requests to etcd so far, by kind. */
  readonly requests: Readonly<Record<string, number>>;
  readonly residentBytes: number;
  readonly cpuMs: number;
}

/** A unit that is active, and the number of its machine. */
export type ActivePlace = readonly [unit: string, machine: number];

/** What a process of hollow machines tells. */
export type HollowReport =
  | { readonly kind: 'counts'; readonly counts: HollowCounts }
  /** A warning of some machine; each kind of them once. */
  | { readonly kind: 'warned'; readonly message: string; readonly fields: string }
  | { readonly kind: 'failed'; readonly lostCount: number; readonly atMs: number }
  | { readonly kind: 'listed'; readonly places: readonly ActivePlace[] }
  | { readonly kind: 'left'; readonly keptCount: number };

/** Metadata of every hollow machine: units that ask for it run on no other. */
export const hollowMetadata = { key: 'hollow', value: 'true' } as const;
