import type {
  Catalog,
  HeldUnit,
  MetadataChange,
  NamedUnits,
  OrphanOutcome,
  Page,
  PageRequest,
  ReportFilter,
  ReportRow,
  Submission,
  SubmitOutcome,
  UnitPageRequest,
  UnitView,
} from '../model/catalog.ts';
import { asDesired } from '../model/desired.ts';
import type { MachineId, UnitIdentity } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';
import type { Order } from '../model/order.ts';
import type { Placement } from '../model/placement.ts';
import type { DesiredState, UnitRecord } from '../model/unit.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { placementIn, readMachinePage, readReportPage, readUnitPage } from './catalog-reads.ts';
import { orderCodec, unitCodec } from './codec.ts';
import { FreshUnits } from './fresh-units.ts';
import { readHeldUnits } from './held-reads.ts';
import type { Keys } from './keys.ts';
import { limits } from './limits.ts';
import { recordMetadata } from './metadata-changes.ts';
import { readUnitsNamed } from './named-reads.ts';
import { readOrphanRows, recordRemoval } from './orphan-removal.ts';
import { readKeys } from './paged-read.ts';
import type { Compare, Op, Store, StoredItem } from './store.ts';
import { raced, requireOurStore, undecodable } from './store-guard.ts';

/** What the catalog works on. */
export interface CatalogParts {
  readonly store: Store;
  readonly keys: Keys;
  /** Holds while the store is that of our cluster; part of every write. */
  readonly storeGuard: () => readonly Compare[];
  /** A new random identity. */
  readonly newIdentity: () => UnitIdentity;
}

/** A stored unit that is not destroyed, and the item it was read from. */
interface Current {
  readonly item: StoredItem | null;
  /** null: there is none, or it was destroyed. */
  readonly record: UnitRecord | null;
  /** null: none, or one that is not understood. */
  readonly placement: Placement | null;
  /** What is still ordered where it is placed, of a unit whose record is lost; mostly null. */
  readonly leftOrder: Order | null;
}

/** No unit of that name, and nothing left of one. */
const nobody: Current = { item: null, record: null, placement: null, leftOrder: null };

/** What a verb wants to write after looking at what is there. */
interface Step<Outcome> {
  readonly outcome: Outcome;
  readonly ops: readonly Op[];
}

/** The API's door to the store; see `Catalog`. */
export class StoreCatalog implements Catalog {
  readonly #parts: CatalogParts;
  readonly #fresh: FreshUnits;

  constructor(parts: CatalogParts) {
    this.#parts = parts;
    this.#fresh = new FreshUnits(parts);
  }

  readUnits(page: UnitPageRequest, signal: AbortSignal): Promise<Page<UnitView>> {
    return readUnitPage(this.#parts, page, signal);
  }

  async readUnit(name: UnitName, signal: AbortSignal): Promise<UnitView | null> {
    const [view = null] = await this.readUnitsNamed({ names: [name], isBrief: false }, signal);
    return view;
  }

  readUnitsNamed(request: NamedUnits, signal: AbortSignal): Promise<readonly UnitView[]> {
    return readUnitsNamed(this.#parts, request, signal);
  }

  readHeldUnits(filter: ReportFilter, signal: AbortSignal): Promise<readonly HeldUnit[]> {
    return readHeldUnits(this.#parts, filter, signal);
  }

  readReports(
    page: PageRequest,
    filter: { readonly machine: MachineId | null; readonly unit: UnitName | null },
    signal: AbortSignal,
  ): Promise<Page<ReportRow>> {
    return readReportPage(this.#parts, { page, filter }, signal);
  }

  readMachines(page: PageRequest, signal: AbortSignal): Promise<Page<Machine>> {
    return readMachinePage(this.#parts, page, signal);
  }

  /** Most submissions are of units that are not there: those cost no look. */
  async submit(submission: Submission, signal: AbortSignal): Promise<SubmitOutcome> {
    const { keys, newIdentity } = this.#parts;
    const { name } = submission;
    const identity = newIdentity();
    const { outcome, ops: writes } = this.#submitStep(submission, identity, nobody);
    const absent = [keys.unit(name), keys.placement(name)];
    if (await this.#fresh.add({ absent, writes })) return outcome;
    return this.#change(name, (current) => this.#submitStep(submission, identity, current), signal);
  }

  setDesired(
    name: UnitName,
    desired: DesiredState,
    signal: AbortSignal,
  ): Promise<'updated' | 'unchanged' | 'missing'> {
    return this.#change<'updated' | 'unchanged' | 'missing'>(
      name,
      (current) => {
        if (current.record === null) return { outcome: 'missing', ops: [] };
        const record = asDesired(current.record, current.placement, desired);
        if (record === current.record) return { outcome: 'unchanged', ops: [] };
        return { outcome: 'updated', ops: [this.#putUnit(name, record, current)] };
      },
      signal,
    );
  }

  restart(name: UnitName, signal: AbortSignal): Promise<'restarted' | 'missing'> {
    return this.#change<'restarted' | 'missing'>(
      name,
      (current) => {
        const before = current.record;
        if (before === null) return { outcome: 'missing', ops: [] };
        const restartCount = before.restartCount + 1;
        const record: UnitRecord = { ...before, desired: 'launched', restartCount };
        return { outcome: 'restarted', ops: [this.#putUnit(name, record, current)] };
      },
      signal,
    );
  }

  destroy(name: UnitName, signal: AbortSignal): Promise<'destroyed' | 'missing'> {
    return this.#change<'destroyed' | 'missing'>(
      name,
      (current) => {
        if (current.record === null) return { outcome: 'missing', ops: [] };
        const record = { ...current.record, gone: true };
        return { outcome: 'destroyed', ops: [this.#putUnit(name, record, current)] };
      },
      signal,
    );
  }

  readOrphans(signal: AbortSignal): Promise<readonly ReportRow[]> {
    return readOrphanRows(this.#parts, signal);
  }

  removeOrphan(
    what: { readonly unit: UnitName; readonly machine: MachineId | null },
    signal: AbortSignal,
  ): Promise<OrphanOutcome> {
    return recordRemoval(this.#parts, what, signal);
  }

  changeMetadata(changes: readonly MetadataChange[], signal: AbortSignal): Promise<void> {
    return recordMetadata(this.#parts, changes, signal);
  }

  #submitStep(
    submission: Submission,
    identity: UnitIdentity,
    current: Current,
  ): Step<SubmitOutcome> {
    const { name, text, unitHash, contentHash, requirements, oneshot, desired } = submission;
    // Written even when it is stored already: it tells the leader, who may be deleting it.
    const putText: Op = {
      kind: 'put',
      key: this.#parts.keys.text(contentHash),
      value: text,
      leaseId: null,
    };
    const before = current.record;
    if (before === null || before.unitHash !== unitHash) {
      // The same unit once more after its record was lost is the same unit: nothing restarts.
      const left = current.leftOrder?.unitHash === unitHash ? current.leftOrder : null;
      const fresh: UnitRecord = {
        identity: left?.identity ?? identity,
        unitHash,
        contentHash,
        desired,
        gone: false,
        restartCount: left?.restartCount ?? 0,
        oneshot,
        requirements,
      };
      return {
        outcome: before === null ? 'created' : 'replaced',
        ops: [this.#putUnit(name, fresh, null), putText],
      };
    }
    const wanted = asDesired(before, current.placement, desired);
    if (wanted === before && before.contentHash === contentHash) {
      return { outcome: 'unchanged', ops: [] };
    }
    // The same options in other bytes (a comment): the new bytes are kept, nothing restarts.
    const after = { ...wanted, contentHash };
    return { outcome: 'updated', ops: [this.#putUnit(name, after, current), putText] };
  }

  /** Looks, decides, writes if nobody wrote meanwhile; otherwise looks again. */
  async #change<Outcome>(
    name: UnitName,
    decide: (current: Current) => Step<Outcome>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const { store, keys, storeGuard } = this.#parts;
    for (let tryCount = 1; tryCount <= limits.writeTriesMax; tryCount += 1) {
      const current = await this.#look(name, signal);
      const { outcome, ops } = decide(current);
      if (ops.length === 0) return outcome;
      const key = keys.unit(name);
      const unraced: Compare =
        current.item === null
          ? { kind: 'absent', key }
          : { kind: 'modified', key, at: current.item.modRevision };
      const answer = await store.txn({ onlyIf: [unraced, ...storeGuard()], writes: ops }, signal);
      if (answer.succeeded) return outcome;
      await requireOurStore(this.#parts, signal);
    }
    throw raced(name);
  }

  async #look(name: UnitName, signal: AbortSignal): Promise<Current> {
    const key = this.#parts.keys.unit(name);
    const keys = [key, this.#parts.keys.placement(name)];
    const reading = await readKeys(this.#parts.store, { keys, revision: null }, signal);
    const [item = null, placed = null] = reading.items;
    const placement = placementIn(placed);
    if (item === null) {
      const leftOrder = await this.#leftOrder(name, placement, signal);
      return { item, record: null, placement: null, leftOrder };
    }
    const record = unitCodec.decode(item.value);
    if (!record.ok) throw undecodable(key, record.error);
    return { item, record: record.value.gone ? null : record.value, placement, leftOrder: null };
  }

  async #leftOrder(
    name: UnitName,
    placement: Placement | null,
    signal: AbortSignal,
  ): Promise<Order | null> {
    const machine = placement?.machine ?? null;
    if (machine === null) return null;
    const { store, keys } = this.#parts;
    const what = { keys: [keys.order(machine, name)], revision: null };
    const item = (await readKeys(store, what, signal)).items[0] ?? null;
    const order = item === null ? null : orderCodec.decode(item.value);
    return order?.ok === true && order.value.want !== 'gone' ? order.value : null;
  }

  #putUnit(name: UnitName, record: UnitRecord, over: Current | null): Op {
    const isSame = over?.record?.identity === record.identity; // not one submitted anew
    const value = unitCodec.encode(record, isSame ? over?.item?.value : undefined);
    return { kind: 'put', key: this.#parts.keys.unit(name), value, leaseId: null };
  }
}
