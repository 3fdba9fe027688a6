import { limits } from './limits.ts';
import type { Compare, Op, Store } from './store.ts';

/** What is to be written if nothing of it is there yet. */
export interface FreshUnit {
  /** Of the unit's own key, first, and of whatever else must not be there. */
  readonly absent: readonly string[];
  readonly writes: readonly Op[];
}

interface Waiting extends FreshUnit {
  readonly settle: (isStored: boolean) => void;
  readonly refuse: (thrown: unknown) => void;
}

/**
 * Stores units that are new, without looking first. One transaction at a time: what is asked for
 * meanwhile waits and goes together in the next, so that one unit alone waits for nothing and a
 * thousand cost a few transactions.
 */
export class FreshUnits {
  readonly #store: Store;
  readonly #storeGuard: () => readonly Compare[];
  #waiting: Waiting[] = [];
  #isBusy = false;

  constructor(parts: { readonly store: Store; readonly storeGuard: () => readonly Compare[] }) {
    this.#store = parts.store;
    this.#storeGuard = parts.storeGuard;
  }

  /**
   * True: it is stored. False: nothing was written, since something of this unit, or of another in
   * the same transaction, is there: look. Throws FleetError as a transaction does.
   */
  add(unit: FreshUnit): Promise<boolean> {
    return new Promise((settle, refuse) => {
      this.#waiting.push({ ...unit, settle, refuse });
      if (!this.#isBusy) void this.#writeAll(); // tells those who wait, never rejects
    });
  }

  async #writeAll(): Promise<void> {
    this.#isBusy = true;
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch();
      try {
        const isStored = await this.#write(batch);
        for (const { settle } of batch) settle(isStored);
      } catch (thrown) {
        for (const { refuse } of batch) refuse(thrown);
      }
    }
    this.#isBusy = false;
  }

  /** As many as fit one transaction; a name that comes twice waits for the next. */
  #nextBatch(): readonly Waiting[] {
    const batch: Waiting[] = [];
    const names = new Set<string>();
    let roomCount: number = limits.batchOpsMax;
    while (batch.length < this.#waiting.length) {
      const next = this.#waiting[batch.length];
      if (next === undefined || names.has(next.absent[0] ?? '')) break;
      roomCount -= Math.max(next.absent.length, next.writes.length);
      if (roomCount < 0 && batch.length > 0) break;
      names.add(next.absent[0] ?? '');
      batch.push(next);
    }
    this.#waiting = this.#waiting.slice(batch.length);
    return batch;
  }

  async #write(batch: readonly Waiting[]): Promise<boolean> {
    const absent = batch.flatMap((unit) => unit.absent);
    const onlyIf = absent.map((key): Compare => ({ kind: 'absent', key }));
    // Units of one text write its key alike, and no transaction takes a key twice.
    const writes = new Map(batch.flatMap((unit) => unit.writes.map((op) => [op.key, op] as const)));
    const request = { onlyIf: [...onlyIf, ...this.#storeGuard()], writes: [...writes.values()] };
    // Whoever asked may be gone by now; the others have not.
    const answer = await this.#store.txn(request, new AbortController().signal);
    return answer.succeeded;
  }
}
