import { join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import type { Revision } from '../model/ids.ts';
import type { ClusterMemory, KnownStore } from '../registry/store-gate.ts';
import { DiskRecord } from './memory.ts';

/** Which cluster this machine belongs to; kept in /var/lib/fleet. */
export interface RememberedCluster {
  readonly clusterId: string;
  readonly epoch: number;
  /** The id that its etcd gives itself; absent: written by a version that did not keep it. */
  readonly storeId?: string;
}

/** How far its store had got, in which epoch; kept in /run/fleet. */
export interface RememberedRevision {
  readonly clusterId: string;
  readonly epoch: number;
  readonly revision: string;
}

/** Reads what `DiskRecord` found; null when it is not such a record. */
export function decodeRememberedCluster(value: unknown): RememberedCluster | null {
  if (typeof value !== 'object' || value === null) return null;
  const { clusterId, epoch, storeId } = value as Partial<RememberedCluster>;
  if (typeof clusterId !== 'string' || typeof epoch !== 'number') return null;
  return { clusterId, epoch, ...(typeof storeId === 'string' ? { storeId } : {}) };
}

/** Reads what `DiskRecord` found; null when it is not such a record. */
export function decodeRememberedRevision(value: unknown): RememberedRevision | null {
  if (typeof value !== 'object' || value === null) return null;
  const { clusterId, epoch, revision } = value as Partial<RememberedRevision>;
  if (typeof clusterId !== 'string' || typeof epoch !== 'number') return null;
  if (typeof revision !== 'string' || !/^\d{1,19}$/.test(revision)) return null;
  return { clusterId, epoch, revision };
}

const limits = {
  /** The highest revision is written at most this often while it grows; idle, never. */
  writeEveryMs: 1_000,
} as const;

/** Where the two records lie. */
export interface StoreMemoryRecords {
  readonly cluster: DiskRecord<RememberedCluster>;
  readonly revision: DiskRecord<RememberedRevision>;
}

/** The records in the daemon's folders. */
export function storeRecordsIn(folders: {
  readonly run: string;
  readonly state: string;
}): StoreMemoryRecords {
  return {
    cluster: new DiskRecord(join(folders.state, 'cluster.json'), decodeRememberedCluster),
    revision: new DiskRecord(join(folders.run, 'revision.json'), decodeRememberedRevision),
  };
}

/** What a machine remembers of its store across restarts of fleetd and, the id, of itself. */
export class StoreMemory {
  readonly #records: StoreMemoryRecords;
  readonly #clock: Clock;
  readonly #log: Logger;
  #noted: KnownStore | null = null;
  #cancelWrite: (() => void) | null = null;
  #isFailing = false;

  constructor(records: StoreMemoryRecords, clock: Clock, log: Logger) {
    this.#records = records;
    this.#clock = clock;
    this.#log = log;
  }

  /** Throws FleetError `disk/failed`. */
  read(): ClusterMemory {
    const cluster = this.#records.cluster.read();
    const seen = this.#records.revision.read();
    const { clusterId = null, epoch = null, storeId = null } = cluster ?? {};
    const isOfThis = seen !== null && seen.clusterId === clusterId && seen.epoch === epoch;
    const revision = isOfThis ? (BigInt(seen.revision) as Revision) : null;
    return { clusterId, epoch, storeId, revision };
  }

  /** Keeps which cluster is followed. Writes only what changed; throws FleetError `disk/failed`. */
  keepCluster({ clusterId, epoch, storeId }: KnownStore): void {
    const known = this.#records.cluster.read();
    const isKept =
      known?.clusterId === clusterId && known.epoch === epoch && known.storeId === storeId;
    if (!isKept) this.#records.cluster.write({ clusterId, epoch, storeId });
  }

  /** Keeps how far the store has got, soon. */
  note(known: KnownStore): void {
    this.#noted = known;
    this.#cancelWrite ??= this.#clock.after(limits.writeEveryMs, () => this.flush());
  }

  /** Writes what was noted; call at the end. Never throws: without it, less is noticed. */
  flush(): void {
    this.#cancelWrite?.();
    this.#cancelWrite = null;
    const noted = this.#noted;
    this.#noted = null;
    if (noted === null) return;
    const { clusterId, epoch, revision } = noted;
    try {
      this.#records.revision.write({ clusterId, epoch, revision: String(revision) });
      this.#isFailing = false;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      if (!this.#isFailing) {
        this.#log.warn({ problem: messageOf(error) }, 'revision of the store not remembered');
      }
      this.#isFailing = true;
    }
  }
}
