import type { Clock } from '../lib/clock.ts';
import { type Brake, isBraking } from '../model/brake.ts';
import type { Page, PageRequest } from '../model/catalog.ts';
import type { MachineId } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';
import type { ForgetOutcome, MemberView, Roster } from '../model/roster.ts';
import { readShown } from './catalog-reads.ts';
import { brakeCodec, forgettingCodec, memberCodec, resumeCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import { limits } from './limits.ts';
import { readKeys, readWhole } from './paged-read.ts';
import type { Compare, Op, Store, StoredItem } from './store.ts';
import { raced, requireOurStore, undecodable } from './store-guard.ts';
import { machineIn } from './stored-item.ts';

/** What the roster works on. */
export interface RosterParts {
  readonly store: Store;
  readonly keys: Keys;
  readonly clock: Clock;
  /** Holds while the store is that of our cluster; part of every write. */
  readonly storeGuard: () => readonly Compare[];
}

/** A write under guards, and what it comes to; no writes: there is nothing to do. */
interface Step<Outcome> {
  readonly outcome: Outcome;
  readonly onlyIf: readonly Compare[];
  readonly writes: readonly Op[];
}

/** The API's door to machines that are away, and to the brake; see `Roster`. */
export class StoreRoster implements Roster {
  readonly #parts: RosterParts;

  constructor(parts: RosterParts) {
    this.#parts = parts;
  }

  async readMembers(page: PageRequest, signal: AbortSignal): Promise<Page<MemberView>> {
    const { store, keys } = this.#parts;
    const range = keys.all('members');
    const shown = await readShown(this.#parts, { page, range }, memberIn(keys), signal);
    const { revision } = shown;
    const present = shown.items.map(({ id }) => keys.machine(id));
    const found = await readKeys(store, { keys: present, revision }, signal);
    const readMachine = machineIn(keys);
    const machines = new Map<MachineId, Machine>();
    for (const item of found.items) {
      const machine = item === null ? null : readMachine(item);
      if (machine !== null) machines.set(machine.id, machine);
    }
    const items = shown.items.map((view) => ({ ...view, machine: machines.get(view.id) ?? null }));
    return { ...shown, items };
  }

  async readBrake(signal: AbortSignal): Promise<Brake | null> {
    return (await this.#storedBrake(signal)).brake;
  }

  endBrake(signal: AbortSignal): Promise<'asked' | 'off'> {
    return this.#change<'asked' | 'off'>('the brake', () => this.#endStep(signal), signal);
  }

  forget(machine: MachineId, signal: AbortSignal): Promise<ForgetOutcome> {
    return this.#change<ForgetOutcome>(
      `machine ${machine}`,
      () => this.#forgetStep(machine, signal),
      signal,
    );
  }

  async #endStep(signal: AbortSignal): Promise<Step<'asked' | 'off'>> {
    const { keys } = this.#parts;
    const { item, brake } = await this.#storedBrake(signal);
    if (item === null || !isBraking(brake)) return { outcome: 'off', onlyIf: [], writes: [] };
    const value = resumeCodec.encode({ sinceMs: brake.sinceMs });
    return {
      outcome: 'asked',
      // Guarded by the brake that was looked at: another one is not what was asked about.
      onlyIf: [{ kind: 'modified', key: keys.brake, at: item.modRevision }],
      writes: [{ kind: 'put', key: keys.resume, value, leaseId: null }],
    };
  }

  async #forgetStep(machine: MachineId, signal: AbortSignal): Promise<Step<ForgetOutcome>> {
    const { store, keys, clock } = this.#parts;
    const wanted = [keys.machine(machine), keys.member(machine)];
    const reading = await readKeys(store, { keys: wanted, revision: null }, signal);
    const [present = null, member = null] = reading.items;
    if (present !== null) return { outcome: 'present', onlyIf: [], writes: [] };
    if (member === null) return { outcome: 'unknown', onlyIf: [], writes: [] };
    const record = memberCodec.decode(member.value);
    const isNoted = !record.ok || record.value.vanishedMs !== null;
    if (!isNoted) return { outcome: 'unnoted', onlyIf: [], writes: [] };
    const absent: Compare = { kind: 'absent', key: keys.machine(machine) };
    await this.#deleteMetadata(machine, absent, signal);
    const value = forgettingCodec.encode({ askedMs: Math.trunc(clock.wallMs()) });
    return {
      outcome: 'asked',
      onlyIf: [absent, { kind: 'modified', key: member.key, at: member.modRevision }],
      writes: [{ kind: 'put', key: keys.forgetting(machine), value, leaseId: null }],
    };
  }

  /** In as many transactions as it needs; all of them only while the machine is away. */
  async #deleteMetadata(machine: MachineId, absent: Compare, signal: AbortSignal): Promise<void> {
    const { store, keys, storeGuard } = this.#parts;
    const ranges = [{ range: keys.metadataOf(machine), keysOnly: true }];
    const { items } = await readWhole(store, { ranges, revision: null }, signal);
    for (let start = 0; start < items.length; start += limits.batchOpsMax) {
      const part = items.slice(start, start + limits.batchOpsMax);
      const writes = part.map(({ key }): Op => ({ kind: 'delete', key }));
      const answer = await store.txn({ onlyIf: [absent, ...storeGuard()], writes }, signal);
      if (!answer.succeeded) return; // it came back, or the store is not ours: the next step says so
    }
  }

  async #storedBrake(
    signal: AbortSignal,
  ): Promise<{ readonly item: StoredItem | null; readonly brake: Brake | null }> {
    const { store, keys } = this.#parts;
    const reading = await readKeys(store, { keys: [keys.brake], revision: null }, signal);
    const item = reading.items[0] ?? null;
    if (item === null) return { item, brake: null };
    const brake = brakeCodec.decode(item.value);
    if (!brake.ok) throw undecodable(keys.brake, brake.error);
    return { item, brake: brake.value };
  }

  /** Looks, decides, writes if nobody wrote meanwhile; otherwise looks again. */
  async #change<Outcome>(
    what: string,
    look: () => Promise<Step<Outcome>>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { store, storeGuard } = this.#parts;
    for (let tryCount = 1; tryCount <= limits.writeTriesMax; tryCount += 1) {
      const { outcome, onlyIf, writes } = await look();
      if (writes.length === 0) return outcome;
      const answer = await store.txn({ onlyIf: [...onlyIf, ...storeGuard()], writes }, signal);
      if (answer.succeeded) return outcome;
      await requireOurStore(this.#parts, signal);
    }
    throw raced(what);
  }
}

function memberIn(keys: Keys): (item: StoredItem) => MemberView | null {
  return (item) => {
    const meaning = keys.meaning(item.key);
    if (meaning.kind !== 'member') return null;
    const member = memberCodec.decode(item.value);
    return { id: meaning.machine, machine: null, member: member.ok ? member.value : null };
  };
}
