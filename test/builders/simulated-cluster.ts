import { type Braking, unbraked } from '../../src/engine/brake.ts';
import { type Plan, planCluster } from '../../src/engine/plan.ts';
import { applyDecisions } from '../../src/model/apply-decisions.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import type { MachineId } from '../../src/model/ids.ts';
import type { Machine, Member } from '../../src/model/machine.ts';
import type { Order } from '../../src/model/order.ts';
import type { Placement } from '../../src/model/placement.ts';
import type { StateReport } from '../../src/model/report.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import type { ContentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { aMachine, aPicture, aUnit, type UnitOptions } from './cluster.ts';

/** What a machine's systemd holds of one unit. */
export interface Copy {
  readonly record: Pick<Order, 'identity' | 'unitHash' | 'restartCount'>;
  active: 'active' | 'inactive' | 'failed' | 'activating';
  launched: boolean;
}

/**
 * A cluster in memory: records that a test changes, a leader that plans when told to, and agents
 * that obey their orders one step at a time. Machines that vanish keep their copies running.
 */
export class SimulatedCluster {
  nowMs = 1_000_000;
  readonly units = new Map<UnitName, UnitRecord>();
  readonly machines = new Map<MachineId, Machine>();
  readonly away = new Map<MachineId, Machine>();
  readonly reports = new Map<MachineId, Map<UnitName, StateReport>>();
  /** What each machine's systemd holds, present or not. */
  readonly copies = new Map<MachineId, Map<UnitName, Copy>>();
  /** Units that finish at once when started, and those that a machine refuses. */
  readonly finishing = new Set<UnitName>();
  readonly failing = new Set<UnitName>();
  readonly refusing = new Set<string>();
  /** How often each run of each submission was started, on all machines together. */
  readonly startCounts = new Map<string, number>();
  /** How its leader brakes; not at all unless a test says so. */
  braking: Braking = unbraked;
  /** What plans; the plain planner unless a test says otherwise. */
  planned: typeof planCluster = planCluster;
  readonly #awaySinceMs = new Map<MachineId, number>();
  #stored: ClusterPicture = aPicture();
  readonly #versions = new Map<UnitName, number>();

  submit(name: UnitName, options: UnitOptions = {}): UnitRecord {
    const version = (this.#versions.get(name) ?? 0) + 1;
    this.#versions.set(name, version);
    const record = aUnit(name, { version, ...options });
    this.units.set(name, record);
    this.#stored = {
      ...this.#stored,
      texts: new Set([...this.#stored.texts.keys(), record.contentHash as ContentHash]),
    };
    return record;
  }

  change(name: UnitName, some: Partial<UnitRecord>): void {
    const record = this.units.get(name);
    if (record !== undefined) this.units.set(name, { ...record, ...some });
  }

  join(id: MachineId, metadata: Readonly<Record<string, string>> = {}): void {
    this.machines.set(id, aMachine(id, metadata));
    this.away.delete(id);
    if (!this.copies.has(id)) this.copies.set(id, new Map());
  }

  setMachine(id: MachineId, some: Partial<Machine>): void {
    const machine = this.machines.get(id);
    if (machine !== undefined) this.machines.set(id, { ...machine, ...some });
  }

  /** The lease is lost; with `power`, so is everything that ran. */
  vanish(id: MachineId, how: 'partition' | 'power'): void {
    const machine = this.machines.get(id);
    if (machine === undefined) return;
    this.machines.delete(id);
    this.away.set(id, { ...machine, leaving: false });
    this.#awaySinceMs.set(id, this.nowMs);
    this.reports.delete(id);
    if (how === 'power') this.copies.set(id, new Map());
  }

  comeBack(id: MachineId): void {
    const machine = this.away.get(id);
    if (machine === undefined) return;
    this.away.delete(id);
    this.machines.set(id, machine);
    for (const unit of this.copies.get(id)?.keys() ?? []) this.#report(id, unit);
  }

  picture(): ClusterPicture {
    return {
      ...this.#stored,
      units: new Map(this.units),
      machines: new Map(this.machines),
      reports: new Map([...this.reports].map(([id, reports]) => [id, new Map(reports)])),
    };
  }

  /** Plans and writes the first `countMax` decisions: a leader may die between any two. */
  plan(countMax = Number.POSITIVE_INFINITY): Plan {
    const plan = this.planned(this.picture(), this.nowMs, this.nowMs, {
      braking: this.braking,
      absentForMs: (id) => this.nowMs - (this.#awaySinceMs.get(id) ?? this.nowMs),
    });
    this.#stored = applyDecisions(this.picture(), plan.decisions.slice(0, countMax));
    for (const unit of [...this.units.keys()]) {
      if (!this.#stored.units.has(unit)) this.units.delete(unit);
    }
    return plan;
  }

  /** Somebody ends the brake. */
  resume(): void {
    this.#stored = { ...this.#stored, resumedMs: this.#stored.brake?.sinceMs ?? null };
  }

  /** Somebody wants a machine to be forgotten. */
  forget(id: MachineId): void {
    this.#stored = { ...this.#stored, forgetting: new Set([...this.#stored.forgetting, id]) };
  }

  /** What runs of this unit ends well. */
  finish(unit: UnitName): void {
    for (const [id, copies] of this.copies) {
      const copy = copies.get(unit);
      if (copy?.active !== 'active') continue;
      copy.active = 'inactive';
      if (this.machines.has(id)) this.#report(id, unit);
    }
  }

  /** One step of one machine's agent: everything its orders let it do right now. */
  obey(id: MachineId): boolean {
    if (!this.machines.has(id)) return false;
    const before = JSON.stringify([...(this.reports.get(id) ?? [])]);
    const orders = this.#stored.orders.get(id) ?? new Map<UnitName, Order>();
    for (const [unit, order] of orders) if (order.want === 'gone') this.#takeDown(id, unit, order);
    for (const [unit, order] of orders) if (order.want !== 'gone') this.#follow(id, unit, order);
    for (const [unit, report] of this.reports.get(id) ?? []) {
      if (report.current === 'gone' && !orders.has(unit)) this.reports.get(id)?.delete(unit);
    }
    return before !== JSON.stringify([...(this.reports.get(id) ?? [])]);
  }

  /** Plans and obeys until nothing changes; how many rounds it took, or null if it never ended. */
  settle(roundsMax = 40): number | null {
    for (let round = 1; round <= roundsMax; round++) {
      const plan = this.plan();
      const moved = [...this.machines.keys()].map((id) => this.obey(id));
      if (plan.decisions.length === 0 && !moved.includes(true)) return round;
    }
    return null;
  }

  placement(unit: UnitName): Placement | undefined {
    return this.#stored.placements.get(unit);
  }

  order(id: MachineId, unit: UnitName): Order | undefined {
    return this.#stored.orders.get(id)?.get(unit);
  }

  members(): ReadonlyMap<MachineId, Member> {
    return this.#stored.members;
  }

  #takeDown(id: MachineId, unit: UnitName, order: Order): void {
    this.copies.get(id)?.delete(unit);
    const reports = this.reports.get(id) ?? new Map<UnitName, StateReport>();
    const { identity, unitHash } = order;
    const gone = { load: 'not-found', active: 'inactive', sub: 'dead', problem: null };
    this.reports.set(id, reports);
    say(reports, unit, { identity, unitHash, current: 'gone', ...gone });
  }

  #follow(id: MachineId, unit: UnitName, order: Order): void {
    const copies = this.copies.get(id) ?? new Map<UnitName, Copy>();
    if (this.refusing.has(`${id} ${unit}`)) {
      this.#refuse(id, unit, order);
      return;
    }
    const known = copies.get(unit);
    if (known !== undefined && known.record.identity !== order.identity) return; // not ours to mix
    const copy: Copy = known ?? { record: order, active: 'inactive', launched: false };
    if (order.want === 'retire' && known === undefined) return;
    if (order.want === 'launch') {
      if (order.after.some((other) => copies.has(other))) return;
      const isDone = copy.launched && copy.record.restartCount === order.restartCount;
      if (!isDone && order.finished === true) {
        copies.set(unit, { record: order, active: 'inactive', launched: true });
        this.#report(id, unit);
        return;
      }
      if (!isDone) {
        const run = runName(order);
        this.startCounts.set(run, (this.startCounts.get(run) ?? 0) + 1);
        copies.set(unit, { record: order, active: this.#started(unit), launched: true });
        this.#report(id, unit);
        return;
      }
    }
    if (order.want === 'stop') {
      copy.active = 'inactive';
      copy.launched = false;
    }
    copies.set(unit, copy);
    this.#report(id, unit);
  }

  #started(unit: UnitName): Copy['active'] {
    if (this.failing.has(unit)) return 'failed';
    return this.finishing.has(unit) ? 'inactive' : 'active';
  }

  #refuse(id: MachineId, unit: UnitName, order: Order): void {
    this.copies.get(id)?.delete(unit);
    const reports = this.reports.get(id) ?? new Map<UnitName, StateReport>();
    const { identity, unitHash } = order;
    const problem = 'name taken by /etc/systemd/system';
    const words = { load: 'loaded', active: 'inactive', sub: 'dead', problem };
    this.reports.set(id, reports);
    say(reports, unit, { identity, unitHash, current: 'refused', ...words });
  }

  #report(id: MachineId, unit: UnitName): void {
    const copy = this.copies.get(id)?.get(unit);
    const reports = this.reports.get(id) ?? new Map<UnitName, StateReport>();
    this.reports.set(id, reports);
    if (copy === undefined) return;
    say(reports, unit, {
      identity: copy.record.identity,
      unitHash: copy.record.unitHash,
      restartCount: copy.record.restartCount,
      current: copy.launched ? 'launched' : 'loaded',
      load: 'loaded',
      active: copy.active,
      sub: copy.active === 'active' ? 'running' : 'dead',
      problem: null,
    });
  }
}

/** What has not changed stays the same object, as in a mirror: nobody looks at it again. */
function say(reports: Map<UnitName, StateReport>, unit: UnitName, report: StateReport): void {
  if (JSON.stringify(reports.get(unit)) !== JSON.stringify(report)) reports.set(unit, report);
}

/** One run of one submission. */
export function runName({
  identity,
  restartCount,
}: Pick<Order, 'identity' | 'restartCount'>): string {
  return `${identity} run ${restartCount}`;
}
