import fc from 'fast-check';
import type { planCluster } from '../../src/engine/plan.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import type { BootId, MachineId } from '../../src/model/ids.ts';
import type { Removal } from '../../src/model/orphan.ts';
import type { StateReport } from '../../src/model/report.ts';
import type { ContentHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { aReport, aUnit, machineId, named, type UnitOptions } from './cluster.ts';
import { anyEvent, type Event, happen } from './cluster-story.ts';
import { SimulatedCluster } from './simulated-cluster.ts';

/** What happens to clusters that live long enough, besides the ordinary. */
export type StrangeEvent =
  | Event
  | { readonly kind: 'doubt' | 'trust' | 'lose'; readonly unit: UnitName }
  | {
      readonly kind: 'orphan';
      readonly machine: MachineId;
      readonly unit: UnitName;
      readonly version: number;
      readonly avoids: readonly string[];
    }
  | { readonly kind: 'adopt'; readonly machine: MachineId; readonly unit: UnitName }
  | { readonly kind: 'remove'; readonly machine: MachineId; readonly unit: UnitName }
  | { readonly kind: 'forget' | 'overdue' | 'blink'; readonly machine: MachineId }
  | { readonly kind: 'resume' }
  | { readonly kind: 'await'; readonly ms: number }
  | { readonly kind: 'storm'; readonly machines: readonly MachineId[] };

const ids = [1, 2, 3, 4, 5, 6].map(machineId);
const names = ['web@1', 'web@2', 'web@3', 'web@4', 'db', 'side', 'far', 'job', 'all', 'new'].map(
  named,
);
const anyMachine = fc.constantFrom(...ids);
const anyName = fc.constantFrom(...names);

const anyOptions: fc.Arbitrary<UnitOptions> = fc.record(
  {
    conflicts: fc.constantFrom([], [], ['web@*.service'], ['db.service', 'far.service'], ['*']),
    replaces: fc.constantFrom([], [], [], ['web@*.service'], ['db.service']),
    machineOf: fc.constantFrom<UnitName[]>(
      [],
      [],
      [],
      [named('db')],
      [named('web@1'), named('side')],
    ),
    metadata: fc.constantFrom(
      [],
      [],
      [{ key: 'disk', values: ['ssd'] }],
      [{ key: 'disk', values: ['hdd', 'ssd'] }],
    ),
    machineId: fc.constantFrom(null, null, null, null, '22222222', machineId(3)),
    global: fc.constantFrom(false, false, false, false, true),
    oneshot: fc.constantFrom(false, false, true),
    desired: fc.constantFrom('launched' as const, 'launched' as const, 'loaded' as const),
    onPartition: fc.constantFrom({ stopTimeoutMs: 1_000 }, { stopTimeoutMs: 2_000 }),
  },
  { requiredKeys: ['conflicts', 'replaces', 'machineOf', 'metadata', 'global'] },
);

const anySubmit: fc.Arbitrary<StrangeEvent> = fc
  .record({ unit: anyName, options: anyOptions })
  .map(({ unit, options }) => ({ kind: 'submit' as const, unit, options: sane(options) }));

/** What the reader of unit files lets pass. */
function sane(options: UnitOptions): UnitOptions {
  const { onPartition, machineOf, ...rest } = options;
  if (options.global === true) return rest;
  return {
    ...rest,
    ...(machineOf === undefined ? {} : { machineOf }),
    ...(onPartition === undefined ? {} : { onPartition }),
  };
}

const anyStrange: fc.Arbitrary<StrangeEvent> = fc.oneof(
  fc.record({
    kind: fc.constantFrom('doubt' as const, 'trust' as const, 'lose' as const),
    unit: anyName,
  }),
  fc.record({
    kind: fc.constant('orphan' as const),
    machine: anyMachine,
    unit: anyName,
    version: fc.constantFrom(1, 2),
    avoids: fc.constantFrom([], ['web@*.service']),
  }),
  fc.record({
    kind: fc.constantFrom('adopt' as const, 'remove' as const),
    machine: anyMachine,
    unit: anyName,
  }),
  fc.record({
    kind: fc.constantFrom('forget' as const, 'overdue' as const, 'blink' as const),
    machine: anyMachine,
  }),
  fc.constant({ kind: 'resume' as const }),
  fc.record({ kind: fc.constant('await' as const), ms: fc.constantFrom(1_000, 10_000) }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(500, 5_000, 31_000) }),
  fc.record({
    kind: fc.constant('storm' as const),
    machines: fc.subarray(ids, { minLength: 3 }),
  }),
);

/** Some minutes in the life of a cluster that is spared nothing. */
export const anyStory: fc.Arbitrary<readonly StrangeEvent[]> = fc
  .record({
    first: fc.array(anySubmit, { minLength: 4, maxLength: 12, size: 'max' }),
    events: fc.array(
      fc.oneof(
        { weight: 5, arbitrary: anyEvent },
        { weight: 2, arbitrary: anySubmit },
        { weight: 2, arbitrary: anyStrange },
      ),
      { minLength: 8, maxLength: 60, size: 'max' },
    ),
  })
  .map(({ first, events }) => [
    ...ids.slice(0, 5).map((machine, index) => {
      const metadata: Record<string, string> = index % 2 === 0 ? {} : { disk: 'ssd' };
      return { kind: 'join' as const, machine, metadata };
    }),
    ...first,
    { kind: 'round' },
    { kind: 'round' },
    ...events,
  ]);

/** A cluster of which more is known than orders and reports, and that brakes. */
export class StrangeCluster extends SimulatedCluster {
  readonly unreadable = new Set<UnitName>();
  readonly #orphans = new Map<MachineId, Map<UnitName, StateReport>>();
  readonly #removals = new Map<MachineId, Map<UnitName, Removal>>();
  readonly #goneSinceMs = new Map<MachineId, number>();
  #countsAtMs = 0;

  constructor(plan: typeof planCluster) {
    super();
    const rules = { ttlMs: 3_000, brakeMs: 20_000 };
    this.braking = { rules, overdue: new Set() };
    this.planned = (picture, nowMs, _countsAtMs, circumstances) =>
      plan(picture, nowMs, Math.max(this.#countsAtMs, nowMs), {
        ...circumstances,
        absentForMs: (id) => {
          return this.machines.has(id) ? 0 : nowMs - (this.#goneSinceMs.get(id) ?? 0);
        },
      });
  }

  override join(id: MachineId, metadata: Readonly<Record<string, string>> = {}): void {
    super.join(id, metadata);
    if (id !== machineId(6)) this.setMachine(id, { ttlMs: 3_000 });
  }

  override vanish(id: MachineId, how: 'partition' | 'power'): void {
    super.vanish(id, how);
    this.#orphans.delete(id);
    this.#goneSinceMs.set(id, this.nowMs);
  }

  override picture(): ClusterPicture {
    const picture = super.picture();
    const reports = new Map([...picture.reports].map(([id, of]) => [id, new Map(of)]));
    for (const [id, orphans] of this.#orphans) {
      if (!this.machines.has(id)) continue;
      const row = reports.get(id) ?? new Map<UnitName, StateReport>();
      for (const [unit, report] of orphans) row.set(unit, report);
      reports.set(id, row);
    }
    const removals = new Map([...this.#removals].map(([id, of]) => [id, new Map(of)]));
    return { ...picture, reports, removals, unreadable: new Set(this.unreadable) };
  }

  override plan(countMax = Number.POSITIVE_INFINITY): ReturnType<typeof planCluster> {
    const plan = super.plan(countMax);
    for (const { changes } of plan.decisions.slice(0, countMax)) {
      for (const change of changes) {
        if (change.kind === 'forget-removal') {
          this.#removals.get(change.machine)?.delete(change.unit);
        }
      }
    }
    return plan;
  }

  happen(event: StrangeEvent): void {
    switch (event.kind) {
      case 'doubt':
        this.unreadable.add(event.unit);
        return;
      case 'trust':
        this.unreadable.delete(event.unit);
        return;
      case 'lose':
        this.units.delete(event.unit);
        return;
      case 'resume':
        this.resume();
        return;
      case 'await':
        this.#countsAtMs = this.nowMs + event.ms;
        return;
      case 'storm':
        for (const id of event.machines) this.vanish(id, 'partition');
        return;
      case 'orphan':
      case 'adopt':
      case 'remove':
        this.#happenToOrphan(event);
        return;
      case 'forget':
        this.forget(event.machine);
        return;
      case 'blink':
        if (!this.machines.has(event.machine)) this.#goneSinceMs.set(event.machine, this.nowMs);
        return;
      case 'overdue':
        this.braking = { ...this.braking, overdue: new Set([event.machine]) };
        return;
      default:
        happen(this, event);
    }
  }

  #happenToOrphan(event: Extract<StrangeEvent, { kind: 'orphan' | 'adopt' | 'remove' }>): void {
    const { machine, unit } = event;
    const orphans = this.#orphans.get(machine) ?? new Map<UnitName, StateReport>();
    this.#orphans.set(machine, orphans);
    if (event.kind === 'adopt') {
      orphans.delete(unit);
      return;
    }
    if (event.kind === 'remove') {
      const identity = orphans.get(unit)?.identity;
      const removals = this.#removals.get(machine) ?? new Map<UnitName, Removal>();
      const bootId = `boot of ${machine}` as BootId;
      if (identity !== undefined) removals.set(unit, { identity, bootId });
      this.#removals.set(machine, removals);
      return;
    }
    const contentHash = `text of an orphan ${unit}` as ContentHash;
    const record = aUnit(unit, { version: event.version });
    orphans.set(unit, aReport(record, { orphan: { contentHash, avoids: event.avoids } }));
  }
}
