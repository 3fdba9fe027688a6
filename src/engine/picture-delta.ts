import { changedKeys, changedMembers } from '../lib/changed-keys.ts';
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
export function deltaOf(before: ClusterPicture, after: ClusterPicture): PictureDelta {
  return {
    units: changedKeys(before.units, after.units),
    unreadable: changedMembers(before.unreadable, after.unreadable),
    placements: changedKeys(before.placements, after.placements),
    machines: changedKeys(before.machines, after.machines),
    members: [
      ...changedKeys(before.members, after.members),
      ...changedMembers(before.unreadableMembers ?? nobody, after.unreadableMembers ?? nobody),
    ],
    orders: changedRows(before.orders, after.orders),
    reports: changedRows(before.reports, after.reports),
    removals: changedRows(before.removals, after.removals),
    texts: changedMembers(before.texts, after.texts),
  };
}

const nobody: ReadonlySet<MachineId> = new Set();

function changedRows(
  before: ReadonlyMap<MachineId, ReadonlyMap<UnitName, unknown>>,
  after: ReadonlyMap<MachineId, ReadonlyMap<UnitName, unknown>>,
): Row[] {
  return changedKeys(before, after).flatMap((machine) => {
    const units = changedKeys(before.get(machine) ?? nothing, after.get(machine) ?? nothing);
    return units.map((unit) => ({ machine, unit }));
  });
}

const nothing: ReadonlyMap<UnitName, unknown> = new Map();
