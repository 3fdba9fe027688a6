import type { Clock } from '../../src/lib/clock.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import type { MachineId, Revision } from '../../src/model/ids.ts';
import type { Order } from '../../src/model/order.ts';
import { Keys } from '../../src/registry/keys.ts';
import type { MemoryStore } from '../../src/registry/memory-store.ts';
import { PictureBuilder } from '../../src/registry/picture-builder.ts';
import type { WatchEvent } from '../../src/registry/store.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { keyPrefix } from './fleetd.ts';

/** What the store held at a time. */
interface Version<T> {
  readonly fromMs: number;
  readonly value: T;
}

/** Sees every revision of the store the moment it is written, and remembers what checks need. */
export class Witness {
  readonly keys = new Keys(keyPrefix);
  readonly #clock: Clock;
  readonly #builder = new PictureBuilder(this.keys);
  readonly #orders = new Map<string, Version<Order | null>[]>();
  readonly #recordsFrom = new Map<UnitName, Version<string>>();
  readonly #presentFrom = new Map<MachineId, number>();
  readonly #listeners: ((events: readonly WatchEvent[]) => void)[] = [];
  /** Keys that the next revision writes and no daemon wrote. */
  readonly outside = new Set<string>();
  /** It sees nothing any more: only once the store itself is closed. */
  isBlind = false;
  /** When something was last written. */
  changedMs = 0;

  constructor(store: MemoryStore, clock: Clock) {
    this.#clock = clock;
    this.#builder.fill([], 0n as Revision);
    // From the next one on: the first revision, which holds nothing, may be compacted.
    store.watch(this.keys.everything, (store.revision + 1n) as Revision, {
      events: (events, revision) => this.#see(events, revision),
      alive: () => undefined,
      ended: () => {
        this.isBlind = true;
      },
    });
  }

  onRevision(listener: (events: readonly WatchEvent[]) => void): void {
    this.#listeners.push(listener);
  }

  picture(): ClusterPicture {
    return this.#builder.picture();
  }

  /** All orders to a machine about a unit, oldest first, with when they were put or taken back. */
  ordersOf(machine: MachineId, unit: UnitName): readonly Version<Order | null>[] {
    return this.#orders.get(`${machine} ${unit}`) ?? [];
  }

  /** Since when a unit's present submission is stored; null when there is none. */
  recordFromMs(unit: UnitName): number | null {
    const record = this.picture().units.get(unit);
    const known = this.#recordsFrom.get(unit);
    return record === undefined || known === undefined ? null : known.fromMs;
  }

  /** Since when a machine is present without a break; null when it is away. */
  presentFromMs(machine: MachineId): number | null {
    return this.#presentFrom.get(machine) ?? null;
  }

  #see(events: readonly WatchEvent[], revision: Revision): void {
    this.#builder.apply(events, revision);
    const fromMs = this.#clock.nowMs();
    this.changedMs = fromMs;
    const picture = this.picture();
    for (const event of events) {
      const meaning = this.keys.meaning(event.kind === 'put' ? event.item.key : event.key);
      if (meaning.kind === 'order') {
        const value = picture.orders.get(meaning.machine)?.get(meaning.unit) ?? null;
        const key = `${meaning.machine} ${meaning.unit}`;
        this.#orders.set(key, [...(this.#orders.get(key) ?? []).slice(-20), { fromMs, value }]);
      }
      if (meaning.kind === 'unit') {
        const value = picture.units.get(meaning.unit)?.identity ?? '';
        const known = this.#recordsFrom.get(meaning.unit);
        if (known?.value !== value) this.#recordsFrom.set(meaning.unit, { fromMs, value });
      }
      if (meaning.kind === 'machine') {
        if (event.kind === 'delete') this.#presentFrom.delete(meaning.machine);
        else if (!this.#presentFrom.has(meaning.machine)) {
          this.#presentFrom.set(meaning.machine, fromMs);
        }
      }
    }
    for (const listener of this.#listeners) listener(events);
    for (const event of events)
      this.outside.delete(event.kind === 'put' ? event.item.key : event.key);
  }
}
