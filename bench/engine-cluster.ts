import { hashRank } from '../src/lib/order.ts';
import type { Change, Decision } from '../src/model/change.ts';
import { type ClusterPicture, emptyPicture } from '../src/model/cluster-picture.ts';
import type { MachineId, Revision } from '../src/model/ids.ts';
import type { Machine, Member } from '../src/model/machine.ts';
import type { Order } from '../src/model/order.ts';
import type { Placement } from '../src/model/placement.ts';
import type { StateReport } from '../src/model/report.ts';
import type { UnitRecord } from '../src/model/unit.ts';
import { CowMap, CowTable } from '../src/registry/copy-on-write.ts';
import type { ContentHash } from '../src/unitfile/unit-hash.ts';
import type { UnitName } from '../src/unitfile/unit-name.ts';
import { aMachine, aReport, aUnit, named, type UnitOptions } from '../test/builders/cluster.ts';

/** What the units of a cluster ask for: nothing, or every third something. */
export type Wishes = 'none' | 'a third';

/** A cluster as the leader's mirror holds it, with agents that do at once what they are told. */
export class EngineCluster {
  readonly #units = new CowMap<UnitName, UnitRecord>();
  readonly #machines = new CowMap<MachineId, Machine>();
  readonly #members = new CowMap<MachineId, Member>();
  readonly #placements = new CowMap<UnitName, Placement>();
  readonly #orders = new CowTable<MachineId, UnitName, Order>();
  readonly #reports = new CowTable<MachineId, UnitName, StateReport>();
  readonly #texts = new CowMap<ContentHash, true>();
  #revision = 0n;

  constructor(machineCount: number, unitCount: number, wishes: Wishes) {
    for (let index = 0; index < machineCount; index += 1) this.join(index);
    for (let index = 0; index < unitCount; index += 1) this.submit(...unitAt(index, wishes));
  }

  picture(): ClusterPicture {
    this.#revision += 1n;
    return {
      ...emptyPicture,
      revision: this.#revision as Revision,
      units: this.#units.share(),
      machines: this.#machines.share(),
      members: this.#members.share(),
      placements: this.#placements.share(),
      orders: this.#orders.share(),
      reports: this.#reports.share(),
      texts: this.#texts.share(),
    };
  }

  join(index: number): void {
    const id = idAt(index);
    const disk = index % 3 === 0 ? 'ssd' : 'hdd';
    this.#machines.set(id, aMachine(id, { disk, zone: `z${index % 10}` }, { ttlMs: 10_000 }));
  }

  vanish(id: MachineId): void {
    this.#machines.set(id, null);
    for (const unit of [...(this.#reports.share().get(id)?.keys() ?? [])]) {
      this.#reports.set(id, unit, null);
    }
  }

  submit(unit: UnitName, options: UnitOptions): void {
    const record = aUnit(unit, options);
    this.#units.set(unit, record);
    this.#texts.set(record.contentHash, true);
  }

  /** A machine says something else of a unit than before. */
  report(machine: MachineId, unit: UnitName, some: Partial<StateReport>): void {
    const record = this.#units.get(unit);
    if (record !== undefined) this.#reports.set(machine, unit, aReport(record, some));
  }

  setMachine(id: MachineId, some: Partial<Machine>): void {
    const machine = this.#machines.get(id);
    if (machine !== undefined) this.#machines.set(id, { ...machine, ...some });
  }

  /** A decided plan is in the store, and every machine that is there has done its part. */
  write(decisions: readonly Decision[]): void {
    for (const { changes } of decisions) for (const change of changes) this.#write(change);
  }

  #write(change: Change): void {
    if (change.kind === 'place') this.#placements.set(change.unit, change.placement);
    if (change.kind === 'unplace') this.#placements.set(change.unit, null);
    if (change.kind === 'member') this.#members.set(change.member.id, change.member);
    if (change.kind === 'forget-unit') this.#units.set(change.unit, null);
    if (change.kind === 'forget-text') this.#texts.set(change.contentHash, null);
    if (change.kind === 'withdraw') {
      this.#orders.set(change.machine, change.unit, null);
      this.#reports.set(change.machine, change.unit, null);
    }
    if (change.kind !== 'order') return;
    const { machine, unit, order } = change;
    this.#orders.set(machine, unit, order);
    if (this.#machines.get(machine) === undefined) return;
    this.report(machine, unit, order.want === 'gone' ? { current: 'gone' } : {});
  }
}

/** The id of machine number `index`: spread over all ids, and always the same. */
export function idAt(index: number): MachineId {
  const parts = [0, 1, 2, 3].map((part) => hashRank(`machine ${index} ${part}`));
  return parts.map((part) => part.toString(16).padStart(8, '0')).join('') as MachineId;
}

/** Thirty instances of a template; every third group conflicts, asks for metadata or follows. */
function unitAt(index: number, wishes: Wishes): [UnitName, UnitOptions] {
  const group = Math.floor(index / groupSize);
  const instance = index % groupSize;
  const unit = named(`app-${group}@${instance}`);
  if (wishes === 'none' || group % 3 !== 0) return [unit, {}];
  const kind = (group / 3) % 3;
  if (kind === 0) return [unit, { conflicts: [`app-${group}@*.service`] }];
  if (kind === 2) return [unit, { machineOf: [named(`app-${group + 1}@${instance}`)] }];
  const isDisk = group % 2 === 0;
  const wish = isDisk ? { key: 'disk', values: ['ssd'] } : { key: 'zone', values: ['z1', 'z2'] };
  return [unit, { metadata: [wish] }];
}

const groupSize = 30;
