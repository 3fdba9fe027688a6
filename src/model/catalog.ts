import type { Requirements } from '../unitfile/requirements.ts';
import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { MachineId, Revision } from './ids.ts';
import type { Machine } from './machine.ts';
import type { Placement } from './placement.ts';
import type { StateReport } from './report.ts';
import type { DesiredState, UnitRecord } from './unit.ts';

/** What one machine says of one unit, as a row. */
export interface ReportRow {
  readonly unit: UnitName;
  readonly machine: MachineId;
  readonly report: StateReport;
}

/** Which reports are asked for; null: all. */
export interface ReportFilter {
  readonly machine: MachineId | null;
  readonly unit: UnitName | null;
}

/** A unit that starts on `machine` no sooner than `heldUntilMs`; see `Placement`. */
export interface HeldUnit {
  readonly unit: UnitName;
  readonly machine: MachineId;
  readonly unitHash: UnitHash;
  readonly reason: string;
  readonly heldUntilMs: number;
}

/** Everything the store knows of one unit, at one revision. Destroyed units are not shown. */
export interface UnitView {
  readonly name: UnitName;
  readonly record: UnitRecord;
  /** Empty when a brief view was asked for. */
  readonly text: string;
  /** null for global units and for units the leader has not decided on yet. */
  readonly placement: Placement | null;
  /** Reports about this identity, sorted by machine; `gone` ones are left out. */
  readonly reports: readonly ReportRow[];
}

/** Where a page starts. All pages of one walk show one revision. */
export interface PageStart {
  readonly revision: Revision;
  /** The last key of the page before, in the collection's own order. */
  readonly after: string;
}

/** One page; `next` is null on the last. */
export interface Page<T> {
  readonly revision: Revision;
  readonly items: readonly T[];
  readonly next: PageStart | null;
}

/** Which page is asked for; `start: null` is the first, at the newest revision. */
export interface PageRequest {
  readonly start: PageStart | null;
  readonly limitCount: number;
}

/** As `PageRequest`; brief units come without their text, which is most of the work. */
export interface UnitPageRequest extends PageRequest {
  readonly isBrief?: boolean;
}

/** Units that are asked for by their names; brief ones come without their text. */
export interface NamedUnits {
  readonly names: readonly UnitName[];
  readonly isBrief: boolean;
}

/** A unit as it is to be stored; already validated. */
export interface Submission {
  readonly name: UnitName;
  readonly text: string;
  readonly unitHash: UnitHash;
  readonly contentHash: ContentHash;
  readonly requirements: Requirements;
  readonly oneshot: boolean;
  readonly desired: DesiredState;
}

/**
 * What a submission did: `created` (no such unit), `replaced` (other content: a new identity),
 * `updated` (same content, another desired state), `unchanged`.
 */
export type SubmitOutcome = 'created' | 'replaced' | 'updated' | 'unchanged';

/**
 * One change of a machine's metadata at run time. It wins over what its fleet.conf says, also while
 * the machine is away and after it comes back; `value: null` takes the key away, the configured
 * one too.
 */
export interface MetadataChange {
  readonly machine: MachineId;
  readonly key: string;
  readonly value: string | null;
}

/**
 * What became of the wish to remove an orphan: `asked` (recorded; the leader makes it an order),
 * `missing` (no machine reports such an orphan), `ambiguous` (several do: one has to be named).
 */
export type OrphanOutcome =
  | { readonly kind: 'asked'; readonly machine: MachineId }
  | { readonly kind: 'missing' }
  | { readonly kind: 'ambiguous'; readonly machines: readonly MachineId[] };

/**
 * The API's door to the store: reads at one revision, guarded writes. Each write is a transaction
 * guarded by the mod revision it read, tried again at most five times when others raced it. Throws
 * FleetError (`registry/unavailable`, `registry/conflict`, `registry/not-ours`, …).
 */
export interface Catalog {
  readUnits(page: UnitPageRequest, signal: AbortSignal): Promise<Page<UnitView>>;
  readUnit(name: UnitName, signal: AbortSignal): Promise<UnitView | null>;
  /** Those that there are, in the order of their names in the request, at one revision. */
  readUnitsNamed(request: NamedUnits, signal: AbortSignal): Promise<readonly UnitView[]>;
  readReports(
    page: PageRequest,
    filter: ReportFilter,
    signal: AbortSignal,
  ): Promise<Page<ReportRow>>;
  /** Units that wait for the hold of `OnPartition=stop`, sorted; `machine` is where they belong. */
  readHeldUnits(filter: ReportFilter, signal: AbortSignal): Promise<readonly HeldUnit[]>;
  readMachines(page: PageRequest, signal: AbortSignal): Promise<Page<Machine>>;
  /** Stores a text and its desired state. A destroyed unit of that name is replaced by a new one. */
  submit(submission: Submission, signal: AbortSignal): Promise<SubmitOutcome>;
  /** Changes only the desired state; `missing` when there is no such unit. */
  setDesired(
    name: UnitName,
    desired: DesiredState,
    signal: AbortSignal,
  ): Promise<'updated' | 'unchanged' | 'missing'>;
  /**
   * Asks for a new start of what is stored, wherever it is placed; also makes `launched` the desired
   * state. `missing` when there is no such unit.
   */
  restart(name: UnitName, signal: AbortSignal): Promise<'restarted' | 'missing'>;
  /** Marks a unit as gone; `missing` when there is no such unit. */
  destroy(name: UnitName, signal: AbortSignal): Promise<'destroyed' | 'missing'>;
  /** Units that run without any order, on all machines. */
  readOrphans(signal: AbortSignal): Promise<readonly ReportRow[]>;
  /** Records that the copy of an orphan is to be taken down; null: on the one machine it is on. */
  removeOrphan(
    what: { readonly unit: UnitName; readonly machine: MachineId | null },
    signal: AbortSignal,
  ): Promise<OrphanOutcome>;
  /** Makes all changes in order, in one step; the machines need not be there. */
  changeMetadata(changes: readonly MetadataChange[], signal: AbortSignal): Promise<void>;
}
