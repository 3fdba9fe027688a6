import type { Clock } from '../lib/clock.ts';
import { invariant } from '../lib/invariant.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import { Follower } from './follower.ts';
import type { Keys } from './keys.ts';
import { PictureBuilder } from './picture-builder.ts';
import type { LeaseId, Store, StoredItem, WatchEvent } from './store.ts';

/** What a mirror needs. */
export interface MirrorOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly ttlMs: number;
  /** See `FollowerOptions`. */
  readonly newest: () => Revision | null;
}

/** The leader's picture of the whole prefix, kept equal to the store while it runs. */
export class Mirror {
  readonly #keys: Keys;
  readonly #clock: Clock;
  readonly #follower: Follower;
  readonly #listeners = new Set<() => void>();
  #builder: PictureBuilder | null = null;
  /** Since when a machine was seen to be gone; those that are not in here: since `#readAtMs`. */
  readonly #goneSinceMs = new Map<MachineId, number>();
  #readAtMs = 0;

  constructor(options: MirrorOptions) {
    const { store, keys, clock, ttlMs, newest } = options;
    this.#keys = keys;
    this.#clock = clock;
    const { from, to } = keys.everything;
    const texts = keys.all('text');
    const ranges = [
      { range: { from, to: texts.from }, keysOnly: false },
      { range: texts, keysOnly: true },
      { range: { from: texts.to, to }, keysOnly: false },
    ];
    this.#follower = new Follower(
      { store, clock, ranges, watched: keys.everything, ttlMs, newest },
      {
        reset: (items, revision) => this.#reset(items, revision),
        apply: (events, revision) => {
          this.#builder?.apply(events, revision);
          this.#noteAbsences(events);
          this.#tell();
        },
        troubled: () => undefined, // the lease tells of an etcd that is away
      },
    );
  }

  /** Goes on until abort; never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.#follower.run(signal);
  }

  /** False until everything was read once. */
  get isComplete(): boolean {
    return this.#builder !== null;
  }

  get revision(): Revision {
    return this.#builder?.revision ?? (0n as Revision);
  }

  /** The stored `engine/leader`. */
  get leader(): StoredItem | null {
    return this.#builder?.leader ?? null;
  }

  picture(): ClusterPicture {
    const builder = this.#builder;
    invariant(builder !== null, '3', 'a picture was asked for before everything was read');
    return builder.picture();
  }

  /** See `LeaderSession.absentForMs`. A machine that was away when all was read counts from then. */
  absentForMs(machine: MachineId): number {
    if (this.#builder?.picture().machines.has(machine) !== false) return 0;
    return this.#clock.nowMs() - (this.#goneSinceMs.get(machine) ?? this.#readAtMs);
  }

  /** The mod revision of a unit's record or of a text; null when it is not stored. */
  modRevisionOf(key: string): Revision | null {
    return this.#builder?.modRevisionOf(key) ?? null;
  }

  /** The lease that each present machine is on. */
  get leases(): ReadonlyMap<MachineId, LeaseId> {
    return this.#builder?.leases ?? new Map();
  }

  /** A stored record that holds fields we do not know; null: it holds none. */
  richText(key: string): string | null {
    return this.#builder?.richText(key) ?? null;
  }

  /** Calls `listener` after each change; returns a function that forgets it. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Reads everything again, soon. */
  refresh(): void {
    this.#follower.refresh();
  }

  /** Waits until the picture contains a revision; false when that took too long or on abort. */
  reached(revision: Revision, withinMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const finish = (): void => {
        forget();
        cancel();
        signal.removeEventListener('abort', finish);
        resolve(this.revision >= revision);
      };
      const forget = this.onChange(() => {
        if (this.revision >= revision) finish();
      });
      const cancel = this.#clock.after(withinMs, finish);
      signal.addEventListener('abort', finish, { once: true });
      if (this.revision >= revision || signal.aborted) finish();
    });
  }

  #reset(items: readonly StoredItem[], revision: Revision): void {
    const wasSeen = this.#builder !== null && this.#builder.revision === revision;
    const builder = new PictureBuilder(this.#keys);
    builder.fill(items, revision);
    this.#builder = builder;
    if (!wasSeen) {
      // What happened since the last event is not known: a machine may have come and gone.
      this.#goneSinceMs.clear();
      this.#readAtMs = this.#clock.nowMs();
    }
    this.#tell();
  }

  /** One that came and went again in one go has been there in between. */
  #noteAbsences(events: readonly WatchEvent[]): void {
    for (const event of events) {
      const meaning = this.#keys.meaning(event.kind === 'put' ? event.item.key : event.key);
      if (meaning.kind !== 'machine') continue;
      this.#goneSinceMs.set(meaning.machine, this.#clock.nowMs());
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
