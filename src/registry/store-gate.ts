import type { Clock } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { Revision } from '../model/ids.ts';
import type { FreezeWord, StoreStanding } from '../model/store-standing.ts';
import type { ClusterRecord } from './codec.ts';
import { limits } from './limits.ts';
import type { Compare, StoreHeader } from './store.ts';

/** What is remembered of the cluster on this machine; all null on a machine that is new to it. */
export interface ClusterMemory {
  readonly clusterId: string | null;
  /** The epoch that was followed last. */
  readonly epoch: number | null;
  /** The id that etcd gives itself; another one is another etcd, e.g. one restored from a backup. */
  readonly storeId?: string | null;
  /** The highest revision seen in this boot. */
  readonly revision: Revision | null;
}

/** What a daemon knows of the store that it follows. */
export interface KnownStore {
  readonly clusterId: string;
  readonly epoch: number;
  readonly storeId: string;
  /** The highest that any answer told. */
  readonly revision: Revision;
}

/**
 * Whether the store at the other end may be believed. Every answer passes here: one of another
 * etcd, or from before what was seen already, closes the gate at once. Only a look at the whole
 * (`ClusterClaim.settle`) opens it.
 */
export class StoreGate {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  readonly #turnListeners = new Set<() => void>();
  readonly #revisionListeners = new Set<() => void>();
  readonly #lookListeners = new Set<() => void>();
  #standing: StoreStanding = { kind: 'unknown' };
  #known: KnownStore | null = null;
  #guard: readonly Compare[] = [];
  #thawedAtMs: number | null = null;
  /** Why the store could not be looked at so far. */
  #trouble: FleetError | null = null;
  #frozenAtMs: number | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get standing(): StoreStanding {
    return this.#standing;
  }

  get isOpen(): boolean {
    return this.#standing.kind === 'ours';
  }

  /** The store that is followed; kept while it is frozen. null before the first look. */
  get known(): KnownStore | null {
    return this.#known;
  }

  /** What a write has to compare; nothing before the gate has opened once. */
  guard(): readonly Compare[] {
    return this.#guard;
  }

  /** In how many ms every machine that froze with us has had the time to thaw; 0: it has. */
  thawsInMs(): number {
    if (this.#thawedAtMs === null) return 0;
    return Math.max(this.#thawedAtMs + limits.thawMsMax - this.#clock.nowMs(), 0);
  }

  /** For how long nothing of the store was believed, whatever the reason; 0: it is not frozen. */
  frozenForMs(): number {
    return this.#frozenAtMs === null ? 0 : this.#clock.nowMs() - this.#frozenAtMs;
  }

  /** Ends when the gate is open, or on abort. */
  opened(signal: AbortSignal): Promise<void> {
    return untilSo(() => this.isOpen, this.#listeners, signal);
  }

  /** Ends when the store was looked at, or could not be and it is known why, or on abort. */
  looked(signal: AbortSignal): Promise<void> {
    const isLooked = (): boolean => this.#standing.kind !== 'unknown' || this.#trouble !== null;
    return untilSo(isLooked, this.#lookListeners, signal);
  }

  /** Called each time the standing has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Called when the gate has closed, and when it has opened on what may be another world: whatever
   * was read before counts no more.
   */
  onTurn(listener: () => void): () => void {
    this.#turnListeners.add(listener);
    return () => this.#turnListeners.delete(listener);
  }

  /** Called each time the highest revision has grown. */
  onRevision(listener: () => void): () => void {
    this.#revisionListeners.add(listener);
    return () => this.#revisionListeners.delete(listener);
  }

  /**
   * Takes an answer to a request that was sent when `floor` was the highest revision; requests run
   * side by side, so that a later one's answer may come first.
   */
  heard({ storeId, revision }: StoreHeader, floor: Revision | null): void {
    const known = this.#known;
    if (known === null || !this.isOpen) return;
    if (storeId !== known.storeId) {
      this.foreign(storeId);
      return;
    }
    if (floor !== null && revision < floor) {
      this.freeze('store-went-back', `etcd is at revision ${revision}, it was at ${floor}`);
      return;
    }
    if (revision > known.revision) this.#remember({ ...known, revision });
  }

  /** Something came from that etcd. */
  foreign(storeId: string): void {
    const known = this.#known;
    if (known === null || !this.isOpen || storeId === known.storeId) return;
    this.freeze('store-not-ours', anotherEtcd(storeId, known.storeId));
  }

  /** The store is ours. `isThaw`: it was not, or others may not have noticed yet that it is. */
  open(found: {
    readonly known: KnownStore;
    readonly record: ClusterRecord;
    readonly guard: readonly Compare[];
    readonly isThaw: boolean;
  }): void {
    const { clusterId, epoch, formatNeeded } = found.record;
    if (found.isThaw) this.#thawedAtMs = this.#clock.nowMs();
    this.#frozenAtMs = null;
    this.#guard = found.guard;
    this.#remember(found.known);
    this.#set({ kind: 'ours', clusterId, epoch, format: formatNeeded }, found.isThaw);
  }

  freeze(why: FreezeWord, reason: string): void {
    this.#frozenAtMs ??= this.#clock.nowMs();
    this.#set({ kind: 'frozen', why, reason }, this.isOpen);
  }

  /** A look did not come about; told to whoever asks before the first one that does. */
  unreached(trouble: FleetError): void {
    this.#trouble = trouble;
    for (const listener of [...this.#lookListeners]) listener();
  }

  /** Throws FleetError while nothing of the store may be believed or changed. */
  check(): void {
    const standing = this.#standing;
    if (standing.kind === 'ours') return;
    if (standing.kind === 'frozen') throw frozen(standing);
    const { message, trouble } = this.#trouble ?? notLookedAt;
    const { hint } = trouble;
    throw new FleetError(message, { code: 'registry/unavailable', retry: 'soon', hint });
  }

  #remember(known: KnownStore): void {
    this.#known = known;
    for (const listener of [...this.#revisionListeners]) listener();
  }

  #set(standing: StoreStanding, isTurn: boolean): void {
    if (isSame(standing, this.#standing)) return;
    this.#standing = standing;
    if (isTurn) for (const listener of [...this.#turnListeners]) listener();
    for (const listener of [...this.#listeners, ...this.#lookListeners]) listener();
  }
}

/** Ends when it is so, or on abort; asks at once and whenever one of `listeners` is called. */
function untilSo(
  isSo: () => boolean,
  listeners: Set<() => void>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const look = (): void => {
      if (!isSo() && !signal.aborted) return;
      listeners.delete(look);
      signal.removeEventListener('abort', look);
      resolve();
    };
    listeners.add(look);
    signal.addEventListener('abort', look, { once: true });
    look();
  });
}

const notLookedAt = new FleetError('the store was not looked at yet', {
  code: 'registry/unavailable',
  retry: 'soon',
  hint: 'Check that etcd runs and that etcd_servers names its client addresses.',
});

/** Says that another etcd is at the other end. */
export function anotherEtcd(storeId: string, ours: string): string {
  return `etcd ${storeId} answers, ours is ${ours}: it was restored or replaced`;
}

function frozen({ why, reason }: { why: FreezeWord; reason: string }): FleetError {
  return new FleetError(`${why}: ${reason}`, {
    code: 'registry/not-ours',
    retry: 'soon',
    hint:
      why === 'store-too-new'
        ? 'Upgrade this fleetd; nothing is changed until then.'
        : 'Bring the right store back, or type `fleetctl adopt-store`; nothing is changed until then.',
  });
}

function isSame(one: StoreStanding, other: StoreStanding): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
