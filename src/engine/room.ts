import { byText, hashRank } from '../lib/order.ts';
import type { Peer } from '../model/conflict.ts';
import type { Machine } from '../model/machine.ts';
import type { Order } from '../model/order.ts';
import { templateOf, type UnitName } from '../unitfile/unit-name.ts';

/** A machine that is present, and who is in it while a plan is made. */
export class Room {
  readonly machine: Machine;
  /** Breaks ties; see `best`. */
  readonly hash: number;
  /** Units with an order here that is not confirmed as gone: their copies may be running. */
  readonly copies: ReadonlyMap<UnitName, Order>;
  /** Orphans that may be running here, and the unit each becomes when it is placed here. */
  readonly #orphans: ReadonlyMap<UnitName, 'adoptable' | 'in the way'>;
  /** Units that belong here from now on. */
  readonly seated = new Map<UnitName, Peer>();
  /** Copies and seated units together: what a newcomer has to get along with. */
  readonly tenants = new Map<UnitName, Peer>();
  #byName: readonly Peer[] | null = null;
  readonly #instanceCounts = new Map<string, number>();

  constructor(
    machine: Machine,
    copies: ReadonlyMap<UnitName, Order>,
    orphans: ReadonlyMap<UnitName, 'adoptable' | 'in the way'>,
    peers: readonly Peer[],
  ) {
    this.machine = machine;
    this.hash = hashRank(machine.id);
    this.copies = copies;
    this.#orphans = orphans;
    for (const peer of peers) this.#enter(peer);
  }

  /** Something of that name may be running here, whatever this plan decides. */
  holds(unit: UnitName): boolean {
    return this.copies.has(unit) || this.#orphans.has(unit);
  }

  /** A copy is here already, ordered or as an orphan: the unit goes on without a restart. */
  hasCopy(unit: UnitName): boolean {
    return this.copies.has(unit) || this.adopts(unit);
  }

  /** An orphan of the same text runs here. */
  adopts(unit: UnitName): boolean {
    return this.#orphans.get(unit) === 'adoptable';
  }

  /** Orphans that no unit of this plan takes over. */
  strangers(): readonly Peer[] {
    return [...this.tenants.values()].filter(({ name }) => {
      return this.#orphans.has(name) && !this.copies.has(name) && !this.seated.has(name);
    });
  }

  /** Tenants by name, for words that must not depend on who came first. */
  tenantsByName(): readonly Peer[] {
    this.#byName ??= [...this.tenants.values()].sort((left, right) =>
      byText(left.name, right.name),
    );
    return this.#byName;
  }

  seat(peer: Peer): void {
    this.seated.set(peer.name, peer);
    if (!this.tenants.has(peer.name)) this.#enter(peer);
  }

  unseat(unit: UnitName): void {
    this.seated.delete(unit);
    if (!this.holds(unit) && this.tenants.delete(unit)) this.#count(unit, -1);
  }

  /** Instances of this unit's template here, itself not counted; 0 for units without one. */
  instanceCount(unit: UnitName): number {
    const template = templateOf(unit);
    if (template === null) return 0;
    const count = this.#instanceCounts.get(template) ?? 0;
    return this.tenants.has(unit) ? count - 1 : count;
  }

  #enter(peer: Peer): void {
    this.tenants.set(peer.name, peer);
    this.#count(peer.name, 1);
  }

  #count(unit: UnitName, step: number): void {
    this.#byName = null;
    const template = templateOf(unit);
    if (template === null) return;
    this.#instanceCounts.set(template, (this.#instanceCounts.get(template) ?? 0) + step);
  }
}
