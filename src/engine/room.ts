import { hashRank } from '../lib/order.ts';
import { type GlobMatcher, inConflict, type Peer } from '../model/conflict.ts';
import type { MachineId } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';
import type { Order } from '../model/order.ts';
import { templateOf, type UnitName } from '../unitfile/unit-name.ts';

/** Somebody in a room, with what ranking asks of its name again and again. */
export interface Tenant extends Peer {
  /** Breaks ties between rooms, and between units; see `ranked`. */
  readonly hash: number;
  /** null: it is no instance. */
  readonly template: UnitName | null;
}

/** That peer as a tenant. */
export function tenantOf(peer: Peer): Tenant {
  return { ...peer, hash: hashRank(peer.name), template: templateOf(peer.name) };
}

/** Is told of rooms, and who moves in and out of them. */
export interface Doorkeeper {
  /** There is such a room now, or its machine has changed. */
  opened(room: Room): void;
  /** It is gone; everybody has left. */
  closed(room: Room): void;
  entered(room: Room, tenant: Tenant): void;
  left(room: Room, tenant: Tenant): void;
}

/** What may be running in a room, whatever is planned. */
export interface Occupation {
  /** Units with an order here that is not confirmed as gone: their copies may be running. */
  readonly copies: ReadonlyMap<UnitName, Order>;
  /** Orphans that may be running here, and the unit each becomes when it is placed here. */
  readonly orphans: ReadonlyMap<UnitName, 'adoptable' | 'in the way'>;
  /** Both, as they get along with others. */
  readonly tenants: readonly Tenant[];
}

/** A machine that is present, and who is in it while a plan is made. */
export class Room {
  readonly id: MachineId;
  /** Breaks ties; see `ranked`. */
  readonly hash: number;
  machine: Machine;
  /** Units that belong here from now on. */
  readonly seated = new Map<UnitName, Tenant>();
  /** Copies, orphans and seated units together: what a newcomer has to get along with. */
  readonly tenants = new Map<UnitName, Tenant>();
  /** Those of the tenants that avoid somebody. */
  readonly #avoiders = new Map<UnitName, Tenant>();
  readonly #seatedAvoiders = new Map<UnitName, Tenant>();
  readonly #instanceCounts = new Map<UnitName, number>();
  readonly #doorkeeper: Doorkeeper | null;
  #occupation: Occupation = { copies: new Map(), orphans: new Map(), tenants: [] };

  constructor(machine: Machine, doorkeeper: Doorkeeper | null = null) {
    this.id = machine.id;
    this.machine = machine;
    this.hash = hashRank(machine.id);
    this.#doorkeeper = doorkeeper;
  }

  /** What may be running here is this now; whoever is seated stays. */
  occupy(occupation: Occupation): void {
    const before = this.#occupation;
    this.#occupation = occupation;
    for (const { name } of before.tenants) {
      if (this.holds(name)) continue;
      const seated = this.seated.get(name);
      if (seated === undefined) this.#leave(name);
      else this.#enter(seated);
    }
    for (const tenant of occupation.tenants) this.#enter(tenant);
  }

  /** Its machine is gone, and all who were here with it. */
  empty(): void {
    for (const { name } of [...this.tenants.values()]) this.#leave(name);
    this.seated.clear();
    this.#seatedAvoiders.clear();
    this.#occupation = { copies: new Map(), orphans: new Map(), tenants: [] };
  }

  get copies(): ReadonlyMap<UnitName, Order> {
    return this.#occupation.copies;
  }

  /** Nothing is here that does not belong here from now on. */
  get isAllSeated(): boolean {
    return this.seated.size === this.tenants.size; // who is seated is a tenant
  }

  get hasOrphans(): boolean {
    return this.#occupation.orphans.size > 0;
  }

  /** Something of that name may be running here, whatever this plan decides. */
  holds(unit: UnitName): boolean {
    return this.copies.has(unit) || this.#occupation.orphans.has(unit);
  }

  /** A copy is here already, ordered or as an orphan: the unit goes on without a restart. */
  hasCopy(unit: UnitName): boolean {
    return this.copies.has(unit) || this.adopts(unit);
  }

  /** An orphan of the same text runs here. */
  adopts(unit: UnitName): boolean {
    return this.#occupation.orphans.get(unit) === 'adoptable';
  }

  /** Orphans that no unit of this plan takes over. */
  strangers(): readonly Tenant[] {
    if (!this.hasOrphans) return [];
    return [...this.tenants.values()].filter(({ name }) => {
      const isOrphan = this.#occupation.orphans.has(name);
      return isOrphan && !this.copies.has(name) && !this.seated.has(name);
    });
  }

  /** Tenants that this one does not share a machine with. */
  conflictsOf(one: Peer, matches: GlobMatcher): readonly Tenant[] {
    return conflicts(one, one.avoids.length === 0 ? this.#avoiders : this.tenants, matches);
  }

  /** The same of those who are seated. */
  seatedConflictsOf(one: Peer, matches: GlobMatcher): readonly Tenant[] {
    return conflicts(one, one.avoids.length === 0 ? this.#seatedAvoiders : this.seated, matches);
  }

  seat(tenant: Tenant): void {
    this.seated.set(tenant.name, tenant);
    if (tenant.avoids.length > 0) this.#seatedAvoiders.set(tenant.name, tenant);
    // One that only holds its name here may avoid others than the unit itself does.
    if (!this.tenants.has(tenant.name)) this.#enter(tenant);
  }

  unseat(unit: UnitName): void {
    this.seated.delete(unit);
    this.#seatedAvoiders.delete(unit);
    if (!this.holds(unit)) this.#leave(unit);
  }

  /** Instances of this unit's template here, itself not counted; 0 for units without one. */
  instanceCount({ name, template }: Tenant): number {
    if (template === null) return 0;
    const count = this.#instanceCounts.get(template) ?? 0;
    return this.tenants.has(name) ? count - 1 : count;
  }

  #enter(tenant: Tenant): void {
    if (this.tenants.get(tenant.name) === tenant) return;
    this.#leave(tenant.name);
    this.tenants.set(tenant.name, tenant);
    if (tenant.avoids.length > 0) this.#avoiders.set(tenant.name, tenant);
    this.#count(tenant, 1);
    this.#doorkeeper?.entered(this, tenant);
  }

  #leave(unit: UnitName): void {
    const tenant = this.tenants.get(unit);
    if (tenant === undefined) return;
    this.tenants.delete(unit);
    this.#avoiders.delete(unit);
    this.#count(tenant, -1);
    this.#doorkeeper?.left(this, tenant);
  }

  #count({ template }: Tenant, step: number): void {
    if (template === null) return;
    const count = (this.#instanceCounts.get(template) ?? 0) + step;
    if (count === 0) this.#instanceCounts.delete(template);
    else this.#instanceCounts.set(template, count);
  }
}

const nobody: readonly Tenant[] = [];

function conflicts(
  one: Peer,
  others: ReadonlyMap<UnitName, Tenant>,
  matches: GlobMatcher,
): readonly Tenant[] {
  if (others.size === 0) return nobody;
  const found: Tenant[] = [];
  for (const other of others.values()) if (inConflict(one, other, matches)) found.push(other);
  return found;
}
