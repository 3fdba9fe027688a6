import type { KeySet } from '../lib/changed-keys.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Brake } from './brake.ts';
import type { MachineId, Revision } from './ids.ts';
import type { Machine, Member } from './machine.ts';
import type { Order } from './order.ts';
import type { Removals } from './orphan.ts';
import type { Placement } from './placement.ts';
import type { StateReport } from './report.ts';
import type { UnitRecord } from './unit.ts';

/** The cluster as it stood at one revision. Never mutated, never half-read. */
export interface ClusterPicture {
  readonly revision: Revision;
  readonly units: ReadonlyMap<UnitName, UnitRecord>;
  /** Machines that are alive: those with a `machines/` record. */
  readonly machines: ReadonlyMap<MachineId, Machine>;
  readonly members: ReadonlyMap<MachineId, Member>;
  readonly placements: ReadonlyMap<UnitName, Placement>;
  readonly orders: ReadonlyMap<MachineId, ReadonlyMap<UnitName, Order>>;
  readonly reports: ReadonlyMap<MachineId, ReadonlyMap<UnitName, StateReport>>;
  /** Orphans that somebody wants taken down. */
  readonly removals: Removals;
  /** Texts that are stored; their bytes are not part of the picture. */
  readonly texts: KeySet<ContentHash>;
  /** What became of machines that vanished together; null: nothing is held back. */
  readonly brake: Brake | null;
  /** `sinceMs` of the brake that somebody wants to end. */
  readonly resumedMs: number | null;
  /** Machines that somebody wants to be forgotten. */
  readonly forgetting: ReadonlySet<MachineId>;
  /** Units with a record that was not understood (unit, placement, order): touch nothing of theirs. */
  readonly unreadable: ReadonlySet<UnitName>;
  /** Every key that was not understood, of any kind, and why; absent: none. */
  readonly unreadableKeys?: ReadonlyMap<string, string>;
  /** Machines whose `members/` record was not understood: it is not written over. */
  readonly unreadableMembers?: ReadonlySet<MachineId>;
}

/** Nothing is stored. */
export const emptyPicture: ClusterPicture = {
  revision: 0n as Revision,
  units: new Map(),
  machines: new Map(),
  members: new Map(),
  placements: new Map(),
  orders: new Map(),
  reports: new Map(),
  removals: new Map(),
  texts: new Map(),
  brake: null,
  resumedMs: null,
  forgetting: new Set(),
  unreadable: new Set(),
};
