import type { Clock } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { AgentLedger, OrderBook } from '../model/ledger.ts';
import type { Order } from '../model/order.ts';
import type { StateReport } from '../model/report.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { orderCodec, reportCodec } from './codec.ts';
import { CowMap, CowSet } from './copy-on-write.ts';
import { Follower } from './follower.ts';
import type { Keys } from './keys.ts';
import type { MachineLease } from './lease.ts';
import { limits } from './limits.ts';
import { readKeys, readWhole } from './paged-read.ts';
import type { Registration } from './registration.ts';
import type { Compare, LeaseId, Op, Store, StoredItem, WatchEvent } from './store.ts';
import type { StoreGate } from './store-gate.ts';
import { TextReader } from './text-reader.ts';

/** What the agent's door needs. */
export interface AgentLedgerOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly lease: MachineLease;
  readonly registration: Registration;
  readonly gate: StoreGate;
}

/** The agent's door to the store; see `AgentLedger`. It watches `work/<me>/` and nothing else. */
export class StoreAgentLedger implements AgentLedger {
  readonly machine: MachineId;
  readonly #options: AgentLedgerOptions;
  readonly #follower: Follower;
  readonly #texts: TextReader;
  readonly #nudges = new Set<() => void>();
  #orders = new CowMap<UnitName, Order>();
  #revisions = new CowMap<UnitName, Revision>();
  #unreadable = new CowSet<UnitName>();
  #book: OrderBook | null = null;
  /**
   * The chain: each batch compares the mod revision of `chain/<me>` (null: no such key yet) and
   * writes it, so that one whose answer was lost can never land on top of a later one. `open`:
   * not known, e.g. after a lost answer; it is closed before the next batch.
   */
  #link: Revision | null | 'open' = 'open';

  constructor(options: AgentLedgerOptions) {
    this.#options = options;
    const { store, keys, clock, lease, registration } = options;
    this.machine = registration.machine;
    this.#texts = new TextReader(store, keys);
    const watched = keys.ordersOf(this.machine);
    this.#follower = new Follower(
      {
        ...{ store, clock, watched, ttlMs: lease.ttlMs },
        ranges: [{ range: watched, keysOnly: false }],
        newest: () => options.gate.known?.revision ?? null,
      },
      {
        reset: (items, revision) => this.#reset(items, revision),
        apply: (events, revision) => this.#apply(events, revision),
        troubled: () => undefined, // the lease tells of an etcd that is away
      },
    );
    // Orders of a store that is not believed are no orders, nor are those from before: unknown.
    options.gate.onTurn(() => {
      this.#book = null;
      this.#follower.refresh();
      for (const nudge of [...this.#nudges]) nudge();
    });
    registration.onChange(() => {
      this.#link = 'open'; // what hung on a lost lease is gone
      if (!this.isCurrent()) this.#follower.refresh();
    });
  }

  /** Follows the orders until abort; never rejects. */
  run(signal: AbortSignal): Promise<void> {
    return this.#follower.run(signal);
  }

  orderBook(): OrderBook | null {
    return this.#book;
  }

  isCurrent(): boolean {
    const { claimedAt } = this.#options.registration;
    return claimedAt !== null && this.#book !== null && this.#book.revision >= claimedAt;
  }

  onChange(nudge: () => void): void {
    this.#nudges.add(nudge);
  }

  readText(hash: ContentHash, signal: AbortSignal): Promise<string | null> {
    return this.#texts.read(hash, signal);
  }

  async readReports(signal: AbortSignal): Promise<ReadonlyMap<UnitName, StateReport>> {
    const reports = new Map<UnitName, StateReport>();
    for (const { unit, item } of await this.#readOwn(signal)) {
      const report = reportCodec.decode(item.value);
      if (report.ok) reports.set(unit, report.value);
    }
    return reports;
  }

  async report(
    reports: ReadonlyMap<UnitName, StateReport | null>,
    signal: AbortSignal,
  ): Promise<void> {
    const all = [...reports];
    for (let start = 0; start < all.length; start += limits.batchOpsMax) {
      await this.#reportBatch(all.slice(start, start + limits.batchOpsMax), signal);
    }
  }

  async #reportBatch(
    batch: readonly (readonly [UnitName, StateReport | null])[],
    signal: AbortSignal,
  ): Promise<void> {
    const { keys } = this.#options;
    const writes = (leaseId: LeaseId): readonly Op[] =>
      batch.map(([unit, report]) => {
        const key = keys.report(this.machine, unit);
        if (report === null) return { kind: 'delete', key };
        return { kind: 'put', key, value: reportCodec.encode(report), leaseId };
      });
    for (let tryCount = 1; tryCount <= limits.writeTriesMax; tryCount += 1) {
      if (this.#link === 'open') await this.#closeChain(signal);
      if (this.#link !== 'open' && (await this.#send(this.#link, writes, signal))) return;
      await this.#options.registration.recheck(signal);
    }
    throw new FleetError(`reports of machine ${this.machine} were raced by another writer`, {
      code: 'registry/conflict',
      retry: 'soon',
      hint: 'Two daemons may run with one machine-id.',
    });
  }

  /** One link of the chain; false, and the chain is open, when it did not fit. */
  async #send(
    after: Revision | null,
    writes: (leaseId: LeaseId) => readonly Op[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { store, keys, registration } = this.#options;
    // Both of one moment: a machine that lost its lease and joined again hangs on another one, and
    // what hangs on none outlives its machine.
    const [guard, leaseId] = [registration.guard(), registration.leaseId()];
    const key = keys.chain(this.machine);
    const fits: Compare =
      after === null ? { kind: 'absent', key } : { kind: 'modified', key, at: after };
    const link: Op = { kind: 'put', key, value: '', leaseId };
    this.#link = 'open';
    const onlyIf = [...guard, fits];
    const answer = await store.txn({ onlyIf, writes: [...writes(leaseId), link] }, signal);
    if (answer.succeeded) this.#link = answer.revision;
    return answer.succeeded;
  }

  /** Writes a link alone: once that is confirmed, whatever was lost before can not land. */
  async #closeChain(signal: AbortSignal): Promise<void> {
    const { store, keys } = this.#options;
    const what = { keys: [keys.chain(this.machine)], revision: null };
    const item = (await readKeys(store, what, signal)).items[0] ?? null;
    await this.#send(item?.modRevision ?? null, () => [], signal);
  }

  async #readOwn(
    signal: AbortSignal,
  ): Promise<readonly { readonly unit: UnitName; readonly item: StoredItem }[]> {
    const { store, keys } = this.#options;
    const ranges = [{ range: keys.reportsOf(this.machine), keysOnly: false }];
    const reading = await readWhole(store, { ranges, revision: null }, signal);
    return reading.items.flatMap((item) => {
      const meaning = keys.meaning(item.key);
      return meaning.kind === 'report' ? [{ unit: meaning.unit, item }] : [];
    });
  }

  #reset(items: readonly StoredItem[], revision: Revision): void {
    this.#orders = new CowMap();
    this.#revisions = new CowMap();
    this.#unreadable = new CowSet();
    for (const item of items) this.#put(item);
    this.#show(revision);
  }

  #apply(events: readonly WatchEvent[], revision: Revision): void {
    for (const event of events) {
      if (event.kind === 'put') this.#put(event.item);
      else this.#delete(event.key);
    }
    this.#show(revision);
  }

  #put(item: StoredItem): void {
    const meaning = this.#options.keys.meaning(item.key);
    if (meaning.kind !== 'order') return;
    const order = orderCodec.decode(item.value);
    this.#orders.set(meaning.unit, order.ok ? order.value : null);
    this.#revisions.set(meaning.unit, item.modRevision);
    if (order.ok) this.#unreadable.delete(meaning.unit);
    else this.#unreadable.add(meaning.unit);
  }

  #delete(key: string): void {
    const meaning = this.#options.keys.meaning(key);
    if (meaning.kind !== 'order') return;
    this.#orders.set(meaning.unit, null);
    this.#revisions.set(meaning.unit, null);
    this.#unreadable.delete(meaning.unit);
  }

  #show(revision: Revision): void {
    const [orders, revisions] = [this.#orders.share(), this.#revisions.share()];
    this.#book = { revision, orders, revisions, unreadable: this.#unreadable.share() };
    for (const nudge of [...this.#nudges]) nudge();
  }
}
