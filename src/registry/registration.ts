import { type Clock, rest } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';
import { machineCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import type { MachineLease } from './lease.ts';
import { watchClaim } from './lease-claim.ts';
import { limits } from './limits.ts';
import { followRecord } from './own-record.ts';
import { readKeys } from './paged-read.ts';
import type { Compare, LeaseId, Store, StoredItem } from './store.ts';
import type { StoreGate } from './store-gate.ts';
import { requireOurStore } from './store-guard.ts';

/** What a registration needs. */
export interface RegistrationOptions {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly lease: MachineLease;
  /** Holds while the store is that of our cluster. */
  readonly storeGuard: () => readonly Compare[];
  /** What this machine says of itself. */
  readonly self: Machine;
  readonly gate: StoreGate;
  /** false: the machine is on its way down, and what gave its lease back meant it. */
  readonly mayReturn: () => Promise<boolean>;
}

/**
 * `refused`: another living machine has our machine-id; nothing may be loaded or started here.
 * `stopped`: the signal aborted first, or the machine is on its way down.
 */
export type RegistrationOutcome =
  | { readonly kind: 'registered' }
  | { readonly kind: 'refused'; readonly ourAddress: string; readonly otherAddress: string }
  | { readonly kind: 'stopped' };

/** Keeps `machines/<me>` on this machine's lease. */
export class Registration {
  readonly #options: RegistrationOptions;
  readonly #listeners = new Set<() => void>();
  #self: Machine;
  /** The create revision of our record: what every later write of the agent is guarded by. */
  #createRevision: Revision | null = null;
  #claimedAt: Revision | null = null;
  /** Our record as it was found or written last: what a newer fleetd put there is kept. */
  #text: string | undefined;

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#self = options.self;
    options.lease.onLost(() => this.#set(null));
    // What is stored of us by a store that was not believed is to be found out anew.
    options.gate.onTurn(() => this.#set(null));
  }

  get machine(): MachineId {
    return this.#self.id;
  }

  /** The revision at which this process registered last; null while it is not registered. */
  get claimedAt(): Revision | null {
    return this.isRegistered ? this.#claimedAt : null;
  }

  get isRegistered(): boolean {
    return this.#createRevision !== null;
  }

  /** Called when this machine became registered or stopped being so. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What a write of this machine has to compare; throws FleetError while it is not registered. */
  guard(): readonly Compare[] {
    if (this.#createRevision === null) throw notRegistered(this.machine);
    const key = this.#options.keys.machine(this.machine);
    return [{ kind: 'created', key, at: this.#createRevision }];
  }

  /** What a write of this machine hangs on; throws FleetError while it holds no lease. */
  leaseId(): LeaseId {
    const { id } = this.#options.lease;
    if (id === null) throw notRegistered(this.machine);
    return id;
  }

  /**
   * Takes the lease up again or gets one, and registers. Tries on while the store is away. Throws
   * FleetError only when trying again is of no use (`registry/not-ours`, `registry/refused`).
   */
  async join(signal: AbortSignal): Promise<RegistrationOutcome> {
    for (;;) {
      // A machine that cannot work must not count as alive: it joins when it can.
      await this.#options.lease.mayHold(signal);
      if (signal.aborted) return { kind: 'stopped' };
      try {
        const outcome = await this.#joinOnce(signal);
        if (outcome !== null) return outcome;
      } catch (thrown) {
        if (signal.aborted) return { kind: 'stopped' };
        if (!(thrown instanceof FleetError) || thrown.trouble.retry === 'never') throw thrown;
      }
      const restMs = Math.min(limits.retryMaxMs, this.#options.lease.ttlMs / 6);
      await rest(restMs, this.#options.clock, signal);
    }
  }

  /**
   * Joins again each time the lease was lost or the record is gone, until abort or a refusal. Throws
   * as `join` does.
   */
  async keep(signal: AbortSignal): Promise<RegistrationOutcome> {
    const { store, clock, lease, keys, gate } = this.#options;
    const key = keys.machine(this.machine);
    const newest = (): Revision | null => gate.known?.revision ?? null;
    const ending = new AbortController();
    const looking = followRecord(
      { store, clock, newest, ttlMs: lease.ttlMs },
      key,
      (createRevision, at) => {
        const isOld = this.#claimedAt === null || at < this.#claimedAt;
        if (isOld || !this.isRegistered || createRevision === this.#createRevision) return;
        void this.#doubt(ending.signal); // tells its failures, never rejects
      },
    ).run(ending.signal);
    const end = (): void => ending.abort();
    signal.addEventListener('abort', end, { once: true });
    try {
      return await this.#keepJoined(signal);
    } finally {
      signal.removeEventListener('abort', end);
      end();
      await looking;
    }
  }

  async #keepJoined(signal: AbortSignal): Promise<RegistrationOutcome> {
    for (;;) {
      if (signal.aborted) return { kind: 'stopped' };
      if (this.isRegistered) {
        await this.#changed(signal);
        if (!this.isRegistered && !(await this.#options.mayReturn())) return { kind: 'stopped' };
        continue;
      }
      const outcome = await this.join(signal);
      if (outcome.kind !== 'registered') return outcome;
    }
  }

  /** Changes what this machine says of itself, e.g. that it is leaving. Throws FleetError. */
  async update(
    change: Partial<Pick<Machine, 'address' | 'metadata' | 'leaving'>>,
    signal: AbortSignal,
  ): Promise<void> {
    this.#self = { ...this.#self, ...change };
    if (!this.isRegistered) return; // the next join writes it
    const revision = await this.#write(this.guard(), signal);
    if (revision === null) await this.recheck(signal);
  }

  /** Call when a guarded write failed: finds out whether our record is still ours. */
  async recheck(signal: AbortSignal): Promise<void> {
    if (!this.isRegistered) return;
    const { store } = this.#options;
    const answer = await store.txn({ onlyIf: this.guard(), writes: [] }, signal);
    if (!answer.succeeded) this.#set(null);
  }

  /** Our record is gone or another's: was the lease ended, or the key alone deleted? */
  async #doubt(signal: AbortSignal): Promise<void> {
    await this.#options.lease.recheck();
    await this.recheck(signal).catch(() => undefined); // the next renewal or write finds it out
  }

  /** null: somebody was faster, look again. */
  async #joinOnce(signal: AbortSignal): Promise<RegistrationOutcome | null> {
    const { store, keys, clock, lease, storeGuard } = this.#options;
    await requireOurStore({ store, keys, storeGuard }, signal);
    const key = keys.machine(this.machine);
    const item = (await readKeys(store, { keys: [key], revision: null }, signal)).items[0] ?? null;
    const record = item === null ? null : machineCodec.decode(item.value);
    const isUs = record?.ok === true && record.value.bootId === this.#self.bootId;
    if (item !== null && !isUs && item.leaseId !== null && item.leaseId !== lease.id) {
      const verdict = await watchClaim({ store, clock, leaseId: item.leaseId }, signal);
      if (verdict === 'refreshed') {
        await lease.release(signal);
        const otherAddress = record?.ok === true ? record.value.address : 'unknown';
        return { kind: 'refused', ourAddress: this.#self.address, otherAddress };
      }
    }
    await this.#holdLease(isUs ? (item?.leaseId ?? null) : null, signal);
    const done = await this.#claim(item, signal);
    if (!done) return null;
    if (item !== null && item.leaseId !== null && item.leaseId !== lease.id) {
      await store.revokeLease(item.leaseId, signal); // what hung on it was of an earlier boot
    }
    return { kind: 'registered' };
  }

  /** The lease our record hangs on, if etcd still knows it; otherwise a new one. */
  async #holdLease(leaseId: LeaseId | null, signal: AbortSignal): Promise<void> {
    const { lease } = this.#options;
    if (lease.id !== null) return;
    if (leaseId !== null && (await lease.resume(leaseId, signal))) return;
    await lease.grant(signal);
  }

  async #claim(item: StoredItem | null, signal: AbortSignal): Promise<boolean> {
    const key = this.#options.keys.machine(this.machine);
    const self = this.#self;
    const leaseId = this.leaseId();
    const guard: Compare =
      item === null ? { kind: 'absent', key } : { kind: 'modified', key, at: item.modRevision };
    this.#text = item?.value;
    const revision = await this.#write([guard], signal);
    if (revision === null || this.#options.lease.id !== leaseId) return false;
    this.#claimedAt = revision;
    this.#set(item?.createRevision ?? revision);
    if (self !== this.#self) await this.update({}, signal); // changed while that was on its way
    return true;
  }

  async #write(guard: readonly Compare[], signal: AbortSignal): Promise<Revision | null> {
    const { store, keys, lease, storeGuard } = this.#options;
    const self = { ...this.#self, ttlMs: lease.ttlMs };
    const value = machineCodec.encode(self, this.#text);
    this.#text = value;
    const key = keys.machine(this.machine);
    const put = { kind: 'put', key, value, leaseId: this.leaseId() } as const;
    const onlyIf = [...guard, ...storeGuard()];
    const answer = await store.txn({ onlyIf, writes: [put] }, signal);
    return answer.succeeded ? answer.revision : null;
  }

  #set(createRevision: Revision | null): void {
    if (createRevision === this.#createRevision) return;
    this.#createRevision = createRevision;
    for (const listener of [...this.#listeners]) listener();
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        forget();
        signal.removeEventListener('abort', finish);
        resolve();
      };
      const forget = this.onChange(finish);
      signal.addEventListener('abort', finish, { once: true });
      if (signal.aborted) finish();
    });
  }
}

function notRegistered(machine: MachineId): FleetError {
  return new FleetError(`machine ${machine} is not registered now`, {
    code: 'registry/lease-lost',
    retry: 'soon',
    hint: 'It joins again by itself as soon as etcd answers.',
  });
}
