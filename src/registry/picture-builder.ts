import { type Result, valueOrNull } from '../lib/result.ts';
import type { Brake } from '../model/brake.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import type { Machine, Member } from '../model/machine.ts';
import type { Order } from '../model/order.ts';
import type { Removal } from '../model/orphan.ts';
import type { Placement } from '../model/placement.ts';
import type { StateReport } from '../model/report.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import {
  brakeCodec,
  type Codec,
  forgettingCodec,
  machineCodec,
  memberCodec,
  metadataCodec,
  orderCodec,
  placementCodec,
  removalCodec,
  reportCodec,
  resumeCodec,
  unitCodec,
} from './codec.ts';
import { CowMap, CowSet, CowTable } from './copy-on-write.ts';
import type { Keys } from './keys.ts';
import { unreadableMachine, withMetadata } from './machine-view.ts';
import type { LeaseId, StoredItem, WatchEvent } from './store.ts';
import { UnitDoubts } from './unit-doubts.ts';

/** Builds pictures of the cluster out of stored items, one change at a time. */
export class PictureBuilder {
  readonly #keys: Keys;
  readonly #units = new CowMap<UnitName, UnitRecord>();
  readonly #machines = new CowMap<MachineId, Machine>();
  readonly #members = new CowMap<MachineId, Member>();
  readonly #placements = new CowMap<UnitName, Placement>();
  readonly #orders = new CowTable<MachineId, UnitName, Order>();
  readonly #reports = new CowTable<MachineId, UnitName, StateReport>();
  readonly #removals = new CowTable<MachineId, UnitName, Removal>();
  readonly #texts = new CowMap<ContentHash, true>();
  readonly #doubts = new UnitDoubts();
  /** Every key that is not understood, of any kind, and why. */
  readonly #unreadableKeys = new CowMap<string, string>();
  readonly #unreadableMembers = new CowSet<MachineId>();
  /** Run-time metadata that is set and not understood, by machine. */
  readonly #unknownMetadata = new Map<MachineId, Set<string>>();
  /** Texts of the leader's records that hold more than we know: it must not be lost. */
  readonly #richTexts = new Map<string, string>();
  /** What machines said of themselves, and what was laid over it at run time. */
  readonly #plainMachines = new Map<MachineId, Machine>();
  readonly #overlays = new Map<MachineId, Map<string, string>>();
  /** Mod revisions of records that are deleted under a guard. */
  readonly #modRevisions = new Map<string, Revision>();
  readonly #forgetting = new CowSet<MachineId>();
  readonly #leases = new Map<MachineId, LeaseId>();
  #brake: Brake | null = null;
  #resumedMs: number | null = null;
  #leader: StoredItem | null = null;
  #revision = 0n as Revision;
  #picture: ClusterPicture | null = null;

  constructor(keys: Keys) {
    this.#keys = keys;
  }

  get revision(): Revision {
    return this.#revision;
  }

  /** The stored `engine/leader`. */
  get leader(): StoredItem | null {
    return this.#leader;
  }

  /** The lease that each present machine is on. */
  get leases(): ReadonlyMap<MachineId, LeaseId> {
    return this.#leases;
  }

  /** The mod revision of a unit's record or of a text; null when it is not stored. */
  modRevisionOf(key: string): Revision | null {
    return this.#modRevisions.get(key) ?? null;
  }

  /** A stored record of the leader's that holds fields we do not know; null: it holds none. */
  richText(key: string): string | null {
    return this.#richTexts.get(key) ?? null;
  }

  /** Begins with a complete reading. Call on a fresh builder only. */
  fill(items: readonly StoredItem[], revision: Revision): void {
    for (const item of items) this.#put(item);
    this.#revision = revision;
    this.#picture = null;
  }

  apply(events: readonly WatchEvent[], revision: Revision): void {
    for (const event of events) {
      if (event.kind === 'put') this.#put(event.item);
      else this.#delete(event.key);
    }
    this.#revision = revision;
    this.#picture = null;
  }

  /** The picture as it is now: the same object while nothing changed, and never changed later. */
  picture(): ClusterPicture {
    this.#picture ??= {
      revision: this.#revision,
      units: this.#units.share(),
      machines: this.#machines.share(),
      members: this.#members.share(),
      placements: this.#placements.share(),
      orders: this.#orders.share(),
      reports: this.#reports.share(),
      removals: this.#removals.share(),
      texts: this.#texts.share(),
      brake: this.#brake,
      resumedMs: this.#resumedMs,
      forgetting: this.#forgetting.share(),
      unreadable: this.#doubts.share(),
      unreadableKeys: this.#unreadableKeys.share(),
      unreadableMembers: this.#unreadableMembers.share(),
    };
    return this.#picture;
  }

  #put(item: StoredItem): void {
    const { key } = item;
    const meaning = this.#keys.meaning(key);
    switch (meaning.kind) {
      case 'leader':
        this.#leader = item;
        return;
      case 'brake':
        this.#brake = valueOrNull(this.#decode(brakeCodec, item)); // not understood: judged anew
        return;
      case 'resume':
        this.#resumedMs = valueOrNull(this.#decode(resumeCodec, item))?.sinceMs ?? null;
        return;
      case 'forgetting':
        // One that is not understood asks for nothing: it may be bound to what we cannot judge.
        if (this.#decode(forgettingCodec, item).ok) this.#forgetting.add(meaning.machine);
        else this.#forgetting.delete(meaning.machine);
        return;
      case 'unit':
        this.#modRevisions.set(key, item.modRevision);
        this.#units.set(meaning.unit, this.#read(unitCodec, meaning.unit, item));
        return;
      case 'placement':
        this.#placements.set(meaning.unit, this.#read(placementCodec, meaning.unit, item));
        return;
      case 'text':
        this.#modRevisions.set(key, item.modRevision);
        this.#texts.set(meaning.contentHash, true);
        return;
      case 'order': {
        const order = this.#read(orderCodec, meaning.unit, item);
        this.#orders.set(meaning.machine, meaning.unit, order);
        return;
      }
      case 'report': {
        const report = this.#read(reportCodec, meaning.unit, item);
        this.#reports.set(meaning.machine, meaning.unit, report);
        return;
      }
      case 'removal': {
        // One that is not understood asks for nothing; the unit is as readable as before.
        const removal = valueOrNull(this.#decode(removalCodec, item));
        this.#modRevisions.set(key, item.modRevision);
        this.#removals.set(meaning.machine, meaning.unit, removal);
        return;
      }
      case 'machine': {
        const machine = this.#decode(machineCodec, item);
        const plain = machine.ok ? machine.value : unreadableMachine(meaning.machine);
        this.#plainMachines.set(meaning.machine, { ...plain, id: meaning.machine });
        if (item.leaseId !== null) this.#leases.set(meaning.machine, item.leaseId);
        this.#showMachine(meaning.machine);
        return;
      }
      case 'member': {
        const member = this.#decode(memberCodec, item);
        if (member.ok) this.#unreadableMembers.delete(meaning.machine);
        else this.#unreadableMembers.add(meaning.machine);
        this.#members.set(meaning.machine, member.ok ? member.value : null);
        return;
      }
      case 'metadata': {
        const overlay = this.#overlays.get(meaning.machine) ?? new Map<string, string>();
        const set = this.#decode(metadataCodec, item);
        const unknown = this.#unknownMetadata.get(meaning.machine) ?? new Set<string>();
        if (set.ok) unknown.delete(meaning.name);
        else unknown.add(meaning.name);
        this.#unknownMetadata.set(meaning.machine, unknown);
        if (set.ok) overlay.set(meaning.name, set.value.value);
        else overlay.delete(meaning.name);
        this.#overlays.set(meaning.machine, overlay);
        this.#showMachine(meaning.machine);
        return;
      }
      default:
        return; // the cluster record, the chain, and what is not ours to understand
    }
  }

  #delete(key: string): void {
    const meaning = this.#keys.meaning(key);
    this.#modRevisions.delete(key);
    this.#unreadableKeys.set(key, null);
    this.#richTexts.delete(key);
    if ('unit' in meaning) this.#doubts.settle(meaning.unit, key);
    switch (meaning.kind) {
      case 'leader':
        this.#leader = null;
        return;
      case 'brake':
        this.#brake = null;
        return;
      case 'resume':
        this.#resumedMs = null;
        return;
      case 'forgetting':
        this.#forgetting.delete(meaning.machine);
        return;
      case 'unit':
        this.#units.set(meaning.unit, null);
        return;
      case 'placement':
        this.#placements.set(meaning.unit, null);
        return;
      case 'text':
        this.#texts.set(meaning.contentHash, null);
        return;
      case 'order':
        this.#orders.set(meaning.machine, meaning.unit, null);
        return;
      case 'report':
        this.#reports.set(meaning.machine, meaning.unit, null);
        return;
      case 'removal':
        this.#removals.set(meaning.machine, meaning.unit, null);
        return;
      case 'machine':
        this.#plainMachines.delete(meaning.machine);
        this.#leases.delete(meaning.machine);
        this.#showMachine(meaning.machine);
        return;
      case 'member':
        this.#members.set(meaning.machine, null);
        this.#unreadableMembers.delete(meaning.machine);
        return;
      case 'metadata':
        this.#overlays.get(meaning.machine)?.delete(meaning.name);
        this.#unknownMetadata.get(meaning.machine)?.delete(meaning.name);
        this.#showMachine(meaning.machine);
        return;
      default:
        return;
    }
  }

  #decode<T>(codec: Codec<T>, { key, value }: StoredItem): Result<T, string> {
    const { record, hasMore } = codec.read(value);
    this.#unreadableKeys.set(key, record.ok ? null : record.error);
    if (hasMore) this.#richTexts.set(key, value);
    else this.#richTexts.delete(key);
    return record;
  }

  /** Decodes a record about a unit; what is not understood marks the unit as unreadable. */
  #read<T>(codec: Codec<T>, unit: UnitName, item: StoredItem): T | null {
    const record = this.#decode(codec, item);
    if (record.ok) {
      this.#doubts.settle(unit, item.key);
      return record.value;
    }
    this.#doubts.add(unit, item.key);
    return null;
  }

  #showMachine(id: MachineId): void {
    const plain = this.#plainMachines.get(id);
    const unknown = this.#unknownMetadata.get(id);
    const known = plain === undefined ? null : withMetadata(plain, this.#overlays.get(id));
    const isPlain = known === null || unknown === undefined || unknown.size === 0;
    this.#machines.set(id, isPlain ? known : { ...known, unknownMetadata: new Set(unknown) });
  }
}
