import { orphanPeer } from '../model/conflict.ts';
import { isConfirmedGone } from '../model/copy.ts';
import type { MachineId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import { isAdoptable, mayRun } from '../model/orphan.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Draft } from './draft.ts';
import { orphansOn } from './orphans.ts';
import { type Doorkeeper, Room, tenantOf } from './room.ts';

/** Makes the room of a machine what the picture says of it; a machine that is away has none. */
export function furnish(draft: Draft, id: MachineId, doorkeeper: Doorkeeper | null): void {
  const machine = draft.picture.machines.get(id);
  if (machine === undefined) {
    const gone = draft.rooms.get(id);
    if (gone === undefined) return;
    gone.empty();
    draft.rooms.delete(id);
    doorkeeper?.closed(gone);
    return;
  }
  const known = draft.rooms.get(id);
  const room = known ?? new Room(machine, doorkeeper);
  if (known === undefined || room.machine !== machine) {
    room.machine = machine;
    draft.rooms.set(id, room);
    doorkeeper?.opened(room);
  }
  const copies = unconfirmed(draft, id);
  const tenants = [...copies.keys()].map((unit) => draft.peer(unit));
  const orphans = new Map<UnitName, 'adoptable' | 'in the way'>();
  for (const [unit, report] of orphansOn(draft.picture, id)) {
    if (!mayRun(report)) continue;
    const record = draft.picture.units.get(unit);
    const isSame = record !== undefined && isAdoptable(record, report);
    const isFree = isSame && draft.whyBarred(id, unit) === null;
    orphans.set(unit, isFree ? 'adoptable' : 'in the way');
    tenants.push(tenantOf(orphanPeer(unit, report.orphan?.avoids ?? [])));
  }
  room.occupy({ copies, orphans, tenants });
}

function unconfirmed(draft: Draft, machine: MachineId): ReadonlyMap<UnitName, Order> {
  const reports = draft.picture.reports.get(machine);
  const copies = new Map<UnitName, Order>();
  for (const [unit, order] of draft.picture.orders.get(machine) ?? []) {
    if (!isConfirmedGone(order, reports?.get(unit))) copies.set(unit, order);
  }
  return copies;
}
