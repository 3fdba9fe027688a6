import { clusterCodec, orderCodec } from '../../src/registry/codec.ts';
import { MemoryStore } from '../../src/registry/memory-store.ts';
import type { Op, Store } from '../../src/registry/store.ts';
import type { ManualClock } from '../builders/manual-clock.ts';
import { SimProcess } from './sim-process.ts';
import type { Witness } from './witness.ts';

/** What may answer instead of the store. */
export type DecoyKind = 'restored' | 'empty' | 'another';

const never = new AbortController().signal;

/** The address of the store, and what answers there now. */
export class StoreAddress {
  readonly #store: MemoryStore;
  readonly #witness: Witness;
  readonly #clock: ManualClock;
  #saved: { readonly store: MemoryStore; readonly process: SimProcess } | null = null;
  #decoy: { readonly store: Store; readonly process: SimProcess } | null = null;
  #number = 0;

  constructor(store: MemoryStore, witness: Witness, clock: ManualClock) {
    this.#store = store;
    this.#witness = witness;
    this.#clock = clock;
  }

  get store(): Store {
    return this.#decoy?.store ?? this.#store;
  }

  /** Something else than our store answers. */
  get isDecoy(): boolean {
    return this.#decoy !== null;
  }

  /** A backup of all there is; its leases run only once it is restored. */
  save(): void {
    this.#number += 1;
    const process = new SimProcess(this.#clock);
    process.freeze();
    this.#saved = { process, store: this.#store.restoredCopy(process, `restored ${this.#number}`) };
  }

  /** From now on this answers; false when there is no backup. */
  begin(kind: DecoyKind): boolean {
    if (kind === 'restored' && this.#saved === null) return false;
    const process = new SimProcess(this.#clock);
    const decoy = kind === 'restored' ? this.#saved : { process, store: this.#made(kind, process) };
    this.#saved = null;
    this.#decoy = decoy;
    decoy?.process.thaw();
    return true;
  }

  end(): void {
    this.#decoy?.process.kill();
    this.#decoy = null;
  }

  /** Nothing at all under the same name, or another cluster that wants all of our units gone. */
  #made(kind: 'empty' | 'another', process: SimProcess): MemoryStore {
    const store = new MemoryStore(process, kind === 'empty' ? this.#store.storeId : 'another');
    store.shareLeaseIds(this.#store);
    if (kind === 'empty') return store;
    const { keys } = this.#witness;
    const theirs = clusterCodec.encode({ clusterId: 'theirs', formatNeeded: 1, epoch: 9 });
    const writes: Op[] = [{ kind: 'put', key: keys.cluster, value: theirs, leaseId: null }];
    for (const [machine, orders] of this.#witness.picture().orders) {
      for (const [unit, order] of orders) {
        const value = orderCodec.encode({ ...order, want: 'gone' });
        writes.push({ kind: 'put', key: keys.order(machine, unit), value, leaseId: null });
      }
    }
    for (let start = 0; start < writes.length; start += 100) {
      void store.txn({ onlyIf: [], writes: writes.slice(start, start + 100) }, never);
    }
    return store;
  }
}
