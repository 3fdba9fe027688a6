import type { MachineId } from '../model/ids.ts';
import type { Doorkeeper, Room, Tenant } from './room.ts';

/** Notes who moves in and out of rooms during one plan. */
export class Traffic implements Doorkeeper {
  /** Everybody who moved in, as often as they did: a set of all tenants takes long to grow. */
  readonly entries: Tenant[] = [];
  /** Everybody who moved out, likewise. */
  readonly departures: Tenant[] = [];
  /** The rooms they moved out of. */
  readonly leftRooms = new Set<MachineId>();
  readonly #next: Doorkeeper;

  /** Everything is told to `next` as well. */
  constructor(next: Doorkeeper) {
    this.#next = next;
  }

  opened(room: Room): void {
    this.#next.opened(room);
  }

  closed(room: Room): void {
    this.#next.closed(room);
  }

  entered(room: Room, tenant: Tenant): void {
    this.entries.push(tenant);
    this.#next.entered(room, tenant);
  }

  left(room: Room, tenant: Tenant): void {
    this.departures.push(tenant);
    this.leftRooms.add(room.id);
    this.#next.left(room, tenant);
  }

  clear(): void {
    this.entries.length = 0;
    this.departures.length = 0;
    this.leftRooms.clear();
  }
}
