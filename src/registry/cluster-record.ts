import { FleetError } from '../lib/error.ts';
import { unreachable } from '../lib/invariant.ts';
import type { Revision } from '../model/ids.ts';
import type { AdoptOutcome, FinishOutcome } from '../model/store-standing.ts';
import { type ClusterRecord, clusterCodec, formatBase, formatNow, machineCodec } from './codec.ts';
import { type ClusterVerdict, judgeStore, type StoreFindings } from './judge-store.ts';
import type { Keys } from './keys.ts';
import { readWhole } from './paged-read.ts';
import { type Compare, type Op, oneKey, type Store, withPrefix } from './store.ts';
import type { ClusterMemory, StoreGate } from './store-gate.ts';
import { undecodable } from './store-guard.ts';
import { longestHoldMs } from './stored-holds.ts';

/** What the claim on a store needs. */
export interface ClusterClaimOptions {
  /** The bare store: what is found is judged here. */
  readonly store: Store;
  readonly keys: Keys;
  readonly gate: StoreGate;
  /** The newest format that this fleetd understands. */
  readonly formatMax?: number;
}

interface Look extends StoreFindings {
  /** The `cluster` key as it is stored; null: there is none. */
  readonly item: {
    readonly value: string;
    readonly createRevision: Revision;
    readonly modRevision: Revision;
  } | null;
}

const gaveUp = new FleetError('this fleetd was told to end before it had looked at the store', {
  code: 'registry/unavailable',
  retry: 'soon',
  hint: 'Try again in a moment.',
});

/** The `cluster` key: finding out whose store this is, and the guard that it still is. */
export class ClusterClaim {
  readonly gate: StoreGate;
  readonly #store: Store;
  readonly #keys: Keys;
  readonly #formatMax: number;

  constructor({ store, keys, gate, formatMax = formatNow }: ClusterClaimOptions) {
    this.#store = store;
    this.#keys = keys;
    this.gate = gate;
    this.#formatMax = formatMax;
  }

  /** What a write has to compare; nothing before the first `settle` that joined. */
  guard(): readonly Compare[] {
    return this.gate.guard();
  }

  /**
   * Looks whose store this is, creates the cluster where that is allowed, and opens or closes the
   * gate; `newClusterId` is used only then. What this process has seen outweighs `memory`. One try;
   * throws FleetError. The caller remembers what the gate knows.
   */
  async settle(
    memory: ClusterMemory,
    newClusterId: string,
    signal: AbortSignal,
  ): Promise<Exclude<ClusterVerdict, { kind: 'create' }>> {
    try {
      return await this.#settle(memory, newClusterId, signal);
    } catch (thrown) {
      if (thrown instanceof FleetError) this.gate.unreached(signal.aborted ? gaveUp : thrown);
      throw thrown;
    }
  }

  async #settle(
    memory: ClusterMemory,
    newClusterId: string,
    signal: AbortSignal,
  ): Promise<Exclude<ClusterVerdict, { kind: 'create' }>> {
    for (;;) {
      const before: ClusterMemory = this.gate.known ?? memory; // what is seen later does not count
      const found = await this.#look(signal);
      const verdict = judgeStore(before, found, this.#formatMax);
      if (verdict.kind === 'join') this.#open(before, found, verdict.record);
      if (verdict.kind === 'freeze') this.gate.freeze(verdict.why, verdict.reason);
      if (verdict.kind !== 'create') return verdict;
      await this.#create(newClusterId, signal); // then look: another machine may have been faster
    }
  }

  /**
   * Ends when the store has to be looked at again: the record of the cluster was changed, the
   * connection was lost, the gate has closed. Costs no request while nothing happens.
   */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        signal.removeEventListener('abort', end);
        forget();
        watch.stop();
        resolve();
      };
      const from = ((this.gate.known?.revision ?? 0n) + 1n) as Revision;
      const watch = this.#store.watch(oneKey(this.#keys.cluster), from, {
        events: end,
        alive: () => undefined,
        ended: end,
      });
      const forget = this.gate.onChange(end);
      signal.addEventListener('abort', end, { once: true });
      if (signal.aborted || !this.gate.isOpen) end();
    });
  }

  /**
   * Writes a new epoch into a store that we are frozen at, then settles. Refused while a unit with
   * `OnPartition=stop` that moved after the backup may run where the store knows nothing of it: a
   * frozen machine stops it at its deadline. Throws FleetError.
   */
  async adopt(
    memory: ClusterMemory,
    newClusterId: string,
    signal: AbortSignal,
  ): Promise<AdoptOutcome> {
    const known: ClusterMemory = this.gate.known ?? memory;
    const found = await this.#look(signal);
    const verdict = judgeStore(known, found, this.#formatMax);
    if (verdict.kind !== 'freeze') return { kind: 'unneeded' };
    const { record, item } = found;
    const isForeign =
      typeof record === 'string' ||
      (record !== null && known.clusterId !== null && record.clusterId !== known.clusterId);
    if (isForeign || verdict.why === 'store-too-new') return refusedAdoption(verdict.reason);
    const waitMs = (await longestHoldMs(this.#store, this.#keys, signal)) - this.gate.frozenForMs();
    if (waitMs > 0) return refusedForNow(waitMs);
    const clusterId = record?.clusterId ?? known.clusterId ?? newClusterId;
    const epoch = Math.max(record?.epoch ?? 0, known.epoch ?? 0) + 1;
    const formatNeeded = record?.formatNeeded ?? formatBase;
    const value = clusterCodec.encode({ clusterId, formatNeeded, epoch }, item?.value);
    const raced = !(await this.#put(item?.modRevision ?? null, value, signal));
    if (raced) return refusedAdoption('another machine wrote the record of the cluster meanwhile');
    await this.settle({ ...known, clusterId, epoch: epoch - 1 }, newClusterId, signal);
    return { kind: 'adopted', clusterId, epoch };
  }

  /** Raises the format of the cluster to this fleetd's, once every present machine understands it. */
  async finishUpgrade(signal: AbortSignal): Promise<FinishOutcome> {
    this.gate.check();
    const { record, item } = await this.#look(signal);
    if (record === null || typeof record === 'string' || item === null) {
      throw undecodable(this.#keys.cluster, typeof record === 'string' ? record : 'it is missing');
    }
    // Who came back too old to take part is present, and frozen.
    const { formatNeeded } = record;
    if (formatNeeded >= this.#formatMax) return { kind: 'unneeded', format: formatNeeded };
    const ranges = [{ range: this.#keys.all('machines'), keysOnly: false }];
    const { items } = await readWhole(this.#store, { ranges, revision: null }, signal);
    const format = this.#formatMax;
    for (const { key, value } of items) {
      const machine = machineCodec.decode(value);
      if (!machine.ok) return refusedFinish(`${key} is not understood: ${machine.error}`);
      const { id, version, formatMax = formatBase } = machine.value;
      if (formatMax < format) {
        return refusedFinish(
          `machine ${id} runs ${version}, which knows format ${formatMax} of ${format}`,
        );
      }
    }
    const value = clusterCodec.encode({ ...record, formatNeeded: format }, item.value);
    const isDone = await this.#put(item.modRevision, value, signal);
    if (!isDone) return refusedFinish('another machine wrote the record of the cluster meanwhile');
    return { kind: 'raised', format };
  }

  #open(before: ClusterMemory, found: Look, record: ClusterRecord): void {
    const { storeId, revision, item } = found;
    const { clusterId, epoch } = record;
    const isAdopted = before.epoch !== null && epoch > before.epoch;
    const highest = this.gate.known?.revision ?? before.revision ?? revision;
    const seen = isAdopted || highest < revision ? revision : highest;
    const guard: readonly Compare[] =
      item === null ? [] : [{ kind: 'created', key: this.#keys.cluster, at: item.createRevision }];
    // A machine that is new to the cluster has only met it while it was being created.
    const isNew = before.clusterId === null;
    const isThaw = isAdopted || (this.gate.standing.kind === 'frozen' && !isNew);
    this.gate.open({ known: { clusterId, epoch, storeId, revision: seen }, record, guard, isThaw });
  }

  async #look(signal: AbortSignal): Promise<Look> {
    const range = oneKey(this.#keys.cluster);
    const request = { range, limitCount: 1, revision: null, keysOnly: false };
    const answer = await this.#store.range(request, signal);
    if (!answer.ok) return unreachable(answer as never); // the newest can always be read
    const { header, items } = answer.value;
    const item = items[0] ?? null;
    const record = item === null ? null : clusterCodec.decode(item.value);
    return {
      ...header,
      record: record === null ? null : record.ok ? record.value : record.error,
      isEmpty: record === null && (await this.#isEmpty(signal)),
      item,
    };
  }

  async #isEmpty(signal: AbortSignal): Promise<boolean> {
    const range = withPrefix(this.#keys.prefix);
    const onlyIf: readonly Compare[] = [{ kind: 'empty', range }];
    return (await this.#store.txn({ onlyIf, writes: [] }, signal)).succeeded;
  }

  async #create(clusterId: string, signal: AbortSignal): Promise<void> {
    const range = withPrefix(this.#keys.prefix);
    const value = clusterCodec.encode({ clusterId, formatNeeded: formatBase, epoch: 1 });
    const put = { kind: 'put', key: this.#keys.cluster, value, leaseId: null } as const;
    await this.#store.txn({ onlyIf: [{ kind: 'empty', range }], writes: [put] }, signal);
  }

  /** Writes the record over what was found; false when somebody else did. */
  async #put(over: Revision | null, value: string, signal: AbortSignal): Promise<boolean> {
    const key = this.#keys.cluster;
    const guard: Compare =
      over === null ? { kind: 'absent', key } : { kind: 'modified', key, at: over };
    const put: Op = { kind: 'put', key, value, leaseId: null };
    return (await this.#store.txn({ onlyIf: [guard], writes: [put] }, signal)).succeeded;
  }
}

function refusedAdoption(why: string): AdoptOutcome {
  const hint =
    'Correct etcd_servers or etcd_key_prefix; to give this machine to another cluster, see restore-etcd.md.';
  return { kind: 'refused', why, hint };
}

function refusedForNow(waitMs: number): AdoptOutcome {
  const why = 'units with OnPartition=stop may still run where the store does not know of them';
  return { kind: 'refused', why, hint: `Try again in ${Math.ceil(waitMs / 1_000)} s.` };
}

function refusedFinish(why: string): FinishOutcome {
  return { kind: 'refused', why, hint: 'Upgrade every machine that is present, then try again.' };
}
