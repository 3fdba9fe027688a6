import { changedMembers, findChangedKeys, findChangedMembers } from '../lib/changed-keys.ts';
import type { Steps } from '../lib/steps.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { MachineId } from '../model/ids.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

/** What a machine has of a unit. */
export interface Row {
  readonly machine: MachineId;
  readonly unit: UnitName;
}

/** In what two pictures differ: keys with another value, or with one in only one of them. */
export interface PictureDelta {
  readonly units: readonly UnitName[];
  readonly unreadable: readonly UnitName[];
  readonly placements: readonly UnitName[];
  readonly machines: readonly MachineId[];
  readonly members: readonly MachineId[];
  readonly orders: readonly Row[];
  readonly reports: readonly Row[];
  readonly removals: readonly Row[];
  readonly texts: readonly ContentHash[];
}

/** Cheap when both come from one mirror: what they share is not looked at. */
export function* deltaOf(before: ClusterPicture, after: ClusterPicture): Steps<PictureDelta> {
  return {
    units: yield* findChangedKeys(before.units, after.units),
    unreadable: changedMembers(before.unreadable, after.unreadable),
    placements: yield* findChangedKeys(before.placements, after.placements),
    machines: yield* findChangedKeys(before.machines, after.machines),
    members: [
      ...(yield* findChangedKeys(before.members, after.members)),
      ...changedMembers(before.unreadableMembers ?? nobody, after.unreadableMembers ?? nobody),
    ],
    orders: yield* changedRows(before.orders, after.orders),
    reports: yield* changedRows(before.reports, after.reports),
    removals: yield* changedRows(before.removals, after.removals),
    texts: yield* findChangedMembers(before.texts, after.texts),
  };
}

const nobody: ReadonlySet<MachineId> = new Set();

function* changedRows(
  before: ReadonlyMap<MachineId, ReadonlyMap<UnitName, unknown>>,
  after: ReadonlyMap<MachineId, ReadonlyMap<UnitName, unknown>>,
): Steps<Row[]> {
  const rows: Row[] = [];
  for (const machine of yield* findChangedKeys(before, after)) {
    const [was, is] = [before.get(machine) ?? nothing, after.get(machine) ?? nothing];
    for (const unit of yield* findChangedKeys(was, is)) rows.push({ machine, unit });
    yield;
  }
  return rows;
}

const nothing: ReadonlyMap<UnitName, unknown> = new Map();
