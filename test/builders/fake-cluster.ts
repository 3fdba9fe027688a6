import { systemClock } from '../../src/lib/clock.ts';
import type { Catalog } from '../../src/model/catalog.ts';
import { inConflict, peerOf } from '../../src/model/conflict.ts';
import type { BootId, MachineId, UnitIdentity } from '../../src/model/ids.ts';
import type { Machine } from '../../src/model/machine.ts';
import type { Objection, Placement } from '../../src/model/placement.ts';
import type { StateReport } from '../../src/model/report.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import { StoreCatalog } from '../../src/registry/catalog.ts';
import { machineCodec, placementCodec, reportCodec, unitCodec } from '../../src/registry/codec.ts';
import { Keys } from '../../src/registry/keys.ts';
import { MemoryStore } from '../../src/registry/memory-store.ts';
import { StoreRoster } from '../../src/registry/roster.ts';
import type { Op } from '../../src/registry/store.ts';
import { matchesGlob } from '../../src/unitfile/glob.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

/** How one unit fares on its machine. */
export interface Fate {
  /** systemd's words when its start fails. */
  readonly problem?: string;
  readonly active?: string;
  readonly sub?: string;
  /** Its machine never says anything about it. */
  readonly isStuck?: boolean;
  /** It cannot be taken off its machine. */
  readonly isClinging?: boolean;
}

/** What a fake cluster is made with. */
export interface FakeClusterOptions {
  readonly machineCount: number;
  readonly fates?: Readonly<Record<string, Fate>>;
  /** Nobody decides and nobody starts anything. */
  readonly isIdle?: boolean;
}

const never = new AbortController().signal;

/** Wall time of every decision of the fake leader. */
export const fakeDecisionMs = 1_600_000_000_000;

/** `11111111…`, `22222222…`: ids that are easy to read in tables. */
export function machineId(number: number): MachineId {
  return String(number).repeat(32).slice(0, 32) as MachineId;
}

/**
 * A catalog on the memory store, and a much simplified leader with obedient machines: units are
 * placed on the emptiest machine they do not conflict on, and are at once as far as they should be.
 */
export class FakeCluster {
  readonly store = new MemoryStore(systemClock);
  readonly keys = new Keys('/fleet');
  readonly catalog: Catalog;
  readonly roster: StoreRoster;
  readonly machines: readonly Machine[];
  readonly #options: FakeClusterOptions;
  readonly #placements = new Map<UnitName, Placement>();
  #identityCount = 0;
  #isHeld = false;
  #turn: Promise<void> = Promise.resolve();

  constructor(options: FakeClusterOptions) {
    this.#options = options;
    this.machines = Array.from({ length: options.machineCount }, (_, index) => aMachine(index + 1));
    const { store, keys } = this;
    this.roster = new StoreRoster({ store, keys, clock: systemClock, storeGuard: () => [] });
    this.catalog = new StoreCatalog({
      store: this.store,
      keys: this.keys,
      storeGuard: () => [],
      newIdentity: () => {
        this.#identityCount += 1;
        return `identity-${this.#identityCount}` as UnitIdentity;
      },
    });
  }

  /** Brings the machines in and begins to obey. */
  async start(): Promise<void> {
    for (const machine of this.machines) {
      await this.put(this.keys.machine(machine.id), machineCodec.encode(machine));
    }
    if (this.#options.isIdle === true) return;
    const from = (this.store.revision + 1n) as typeof this.store.revision;
    this.store.watch(this.keys.all('units'), from, {
      events: (events) => {
        for (const event of events) {
          if (event.kind === 'put') this.#soon(event.item.key, event.item.value);
        }
      },
      alive: () => undefined,
      ended: () => undefined,
    });
  }

  /** From now on nobody obeys any more. */
  hold(): void {
    this.#isHeld = true;
  }

  /** Ends when everything asked for so far was done. */
  settled(): Promise<void> {
    return this.#turn;
  }

  async put(key: string, value: string): Promise<void> {
    await this.#write([{ kind: 'put', key, value, leaseId: null }]);
  }

  async report(machine: MachineId, unit: UnitName, report: StateReport): Promise<void> {
    await this.put(this.keys.report(machine, unit), reportCodec.encode(report));
  }

  async place(unit: UnitName, placement: Placement): Promise<void> {
    this.#placements.set(unit, placement);
    await this.put(this.keys.placement(unit), placementCodec.encode(placement));
  }

  #soon(key: string, value: string): void {
    const meaning = this.keys.meaning(key);
    const record = unitCodec.decode(value);
    if (meaning.kind !== 'unit' || !record.ok || this.#isHeld) return;
    this.#turn = this.#turn.then(() => this.#obey(meaning.unit, record.value));
  }

  async #obey(name: UnitName, record: UnitRecord): Promise<void> {
    if (record.gone) return this.#remove(name, [this.keys.unit(name)]);
    if (record.desired === 'inactive') return this.#remove(name, []);
    if (record.requirements.global) {
      for (const machine of this.machines) await this.#carryOut(name, record, machine.id);
      return;
    }
    const known = this.#placements.get(name);
    const placement =
      known?.identity === record.identity && known.machine !== null
        ? known
        : await this.#choose(name, record);
    await this.place(name, placement);
    if (placement.machine !== null) await this.#carryOut(name, record, placement.machine);
  }

  async #carryOut(name: UnitName, record: UnitRecord, machine: MachineId): Promise<void> {
    const fate = this.#options.fates?.[name] ?? {};
    if (fate.isStuck === true) return;
    const hasStarted = record.desired === 'launched' && fate.problem === undefined;
    await this.report(machine, name, {
      identity: record.identity,
      unitHash: record.unitHash,
      restartCount: record.restartCount,
      current: hasStarted ? 'launched' : 'loaded',
      load: 'loaded',
      active: fate.active ?? (hasStarted ? 'active' : 'inactive'),
      sub: fate.sub ?? (hasStarted ? 'running' : 'dead'),
      problem: record.desired === 'launched' ? (fate.problem ?? null) : null,
    });
  }

  async #choose(name: UnitName, record: UnitRecord): Promise<Placement> {
    const objections = new Map<string, MachineId[]>();
    const load = new Map<MachineId, number>();
    const self = peerOf(name, record.requirements);
    for (const [other, { machine }] of this.#placements) {
      if (machine === null || other === name) continue;
      load.set(machine, (load.get(machine) ?? 0) + 1);
      const view = await this.catalog.readUnit(other, never);
      if (!inConflict(self, peerOf(other, view?.record.requirements ?? null), matchesGlob))
        continue;
      const why = `conflicts with ${other}`;
      objections.set(why, [...(objections.get(why) ?? []), machine]);
    }
    const refusing = new Set([...objections.values()].flat());
    const [best] = this.machines
      .map(({ id }) => id)
      .filter((id) => !refusing.has(id))
      .sort((one, other) => (load.get(one) ?? 0) - (load.get(other) ?? 0));
    return {
      machine: best ?? null,
      identity: record.identity,
      sinceMs: fakeDecisionMs,
      reason: best === undefined ? 'fits nowhere' : 'least loaded',
      objections: best === undefined ? toObjections(objections) : [],
      refusals: [],
    };
  }

  async #remove(name: UnitName, alsoKeys: readonly string[]): Promise<void> {
    if (this.#options.fates?.[name]?.isClinging === true) return;
    this.#placements.delete(name);
    const reports = this.machines.map(({ id }) => this.keys.report(id, name));
    const keys = [...reports, this.keys.placement(name), ...alsoKeys];
    await this.#write(keys.map((key) => ({ kind: 'delete', key })));
  }

  async #write(ops: readonly Op[]): Promise<void> {
    await this.store.txn({ onlyIf: [], writes: ops }, never);
  }
}

function aMachine(number: number): Machine {
  return {
    id: machineId(number),
    bootId: `boot-${number}` as BootId,
    address: `10.0.0.${number}`,
    version: '0.1.0',
    metadata:
      number === 2
        ? new Map([
            ['disk', 'ssd'],
            ['zone', 'b'],
          ])
        : new Map(),
    leaving: false,
  };
}

function toObjections(found: ReadonlyMap<string, readonly MachineId[]>): readonly Objection[] {
  return [...found].map(([why, machines]) => ({ why, count: machines.length, machines }));
}
