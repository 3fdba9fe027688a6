import type { BootId, MachineId } from './ids.ts';

/** `machines/<id>`: a machine that is alive, on its own lease. Written by its agent. */
export interface Machine {
  readonly id: MachineId;
  readonly bootId: BootId;
  /** The address other machines and people reach it by, without a port. */
  readonly address: string;
  /** The version of its fleetd. */
  readonly version: string;
  /** Configured metadata with what was set at run time laid over it. */
  readonly metadata: ReadonlyMap<string, string>;
  /** The TTL of its lease, ms; absent: its fleetd knows nothing of `OnPartition=stop`. */
  readonly ttlMs?: number;
  /** Shutting down: place nothing there; what has stopped may move. */
  readonly leaving: boolean;
  /** Keys of metadata that were set at run time to something not understood; absent: none. */
  readonly unknownMetadata?: ReadonlySet<string>;
  /** The newest format of stored records that its fleetd understands; absent: 1. */
  readonly formatMax?: number;
}

/** `members/<id>`: a machine ever seen, alive or not. Written by the leader. */
export interface Member {
  readonly id: MachineId;
  readonly bootId: BootId;
  readonly address: string;
  readonly version: string;
  /** Wall time in ms since 1970. */
  readonly firstSeenMs: number;
  /** It was shutting down when it was last seen: once it is absent, it left and is not awaited. */
  readonly leaving: boolean;
  /** Wall time in ms since 1970 at which it was last seen to vanish; null while it is present. */
  readonly vanishedMs: number | null;
  /** As its machine said it last. */
  readonly formatMax?: number;
}
