import type { MachineId } from '../model/ids.ts';
import type { Doorkeeper, Room, Tenant } from './room.ts';

/** Notes who moves in and out of rooms during one plan. */
export class Traffic implements Doorkeeper {
  /** Everybody who moved in. */
  readonly entries = new Set<Tenant>();
  /** Everybody who moved out. */
  readonly departures = new Set<Tenant>();
  /** The rooms they moved out of. */
  readonly leftRooms = new Set<MachineId>();

  entered(_room: Room, tenant: Tenant): void {
    this.entries.add(tenant);
  }

  left(room: Room, tenant: Tenant): void {
    this.departures.add(tenant);
    this.leftRooms.add(room.id);
  }

  clear(): void {
    this.entries.clear();
    this.departures.clear();
    this.leftRooms.clear();
  }
}
