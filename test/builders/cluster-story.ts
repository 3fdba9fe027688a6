import fc from 'fast-check';
import type { MachineId } from '../../src/model/ids.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { machineId, named, type UnitOptions } from './cluster.ts';
import type { SimulatedCluster } from './simulated-cluster.ts';

/** Something that happens to a cluster. */
export type Event =
  | { readonly kind: 'submit'; readonly unit: UnitName; readonly options: UnitOptions }
  | { readonly kind: 'desire'; readonly unit: UnitName; readonly desired: Desired }
  | { readonly kind: 'destroy' | 'restart' | 'fail' | 'finish'; readonly unit: UnitName }
  | { readonly kind: 'join'; readonly machine: MachineId; readonly metadata: Metadata }
  | { readonly kind: 'metadata'; readonly machine: MachineId; readonly metadata: Metadata }
  | {
      readonly kind: 'partition' | 'power' | 'back' | 'leave' | 'obey';
      readonly machine: MachineId;
    }
  | { readonly kind: 'refuse'; readonly machine: MachineId; readonly unit: UnitName }
  | { readonly kind: 'plan'; readonly countMax: number }
  | { readonly kind: 'round' }
  | { readonly kind: 'wait'; readonly ms: number };

type Desired = 'inactive' | 'loaded' | 'launched';
type Metadata = Readonly<Record<string, string>>;

const unitNames = ['web@1', 'web@2', 'web@3', 'db', 'side', 'far', 'job', 'all'].map(named);
const machineIds = [1, 2, 3, 4].map(machineId);

const anyUnit = fc.constantFrom(...unitNames);
const anyMachine = fc.constantFrom(...machineIds);
const anyMetadata: fc.Arbitrary<Metadata> = fc.constantFrom({}, { disk: 'ssd' }, { disk: 'hdd' });
const anyDesired = fc.constantFrom<Desired>('inactive', 'loaded', 'launched', 'launched');

const anyOptions: fc.Arbitrary<UnitOptions> = fc.oneof(
  { weight: 3, arbitrary: fc.constant({}) },
  { weight: 3, arbitrary: fc.constant({ conflicts: ['web@*.service'] }) },
  fc.constant({ conflicts: ['*'] }),
  fc.constant({ metadata: [{ key: 'disk', values: ['ssd'] }] }),
  fc.constant({ metadata: [{ key: 'disk', values: ['hdd', 'ssd'] }] }),
  fc.constant({ machineOf: [named('db')] }),
  fc.constant({ machineOf: [named('web@1')], conflicts: ['far.service'] }),
  fc.constant({ machineOf: [named('side'), named('db')] }),
  fc.constant({ replaces: ['web@*.service'] }),
  fc.constant({ replaces: ['db.service'] }),
  fc.constant({ global: true }),
  fc.constant({ global: true, conflicts: ['db.service'] }),
  fc.constant({ machineId: '22222222' }),
  fc.constant({ oneshot: true }),
);

const anySubmit: fc.Arbitrary<Event> = fc
  .record({ unit: anyUnit, options: anyOptions, desired: anyDesired })
  .map(({ unit, options, desired }) => ({
    kind: 'submit' as const,
    unit,
    options: { ...options, desired },
  }));

/** One thing that happens. */
export const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: anySubmit },
  { weight: 6, arbitrary: fc.constant({ kind: 'round' as const }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('obey' as const), machine: anyMachine }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('plan' as const),
      countMax: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('join' as const),
      machine: anyMachine,
      metadata: anyMetadata,
    }),
  },
  fc.record({ kind: fc.constant('desire' as const), unit: anyUnit, desired: anyDesired }),
  fc.record({
    kind: fc.constantFrom(
      'destroy' as const,
      'restart' as const,
      'fail' as const,
      'finish' as const,
    ),
    unit: anyUnit,
  }),
  fc.record({
    kind: fc.constant('metadata' as const),
    machine: anyMachine,
    metadata: anyMetadata,
  }),
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'partition' as const,
        'power' as const,
        'back' as const,
        'back' as const,
        'leave' as const,
      ),
      machine: anyMachine,
    }),
  },
  fc.record({ kind: fc.constant('refuse' as const), machine: anyMachine, unit: anyUnit }),
  fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(1_000, 400_000) }),
);

/** Events of some minutes in the life of a small cluster, after a start with some of everything. */
export const anyStory: fc.Arbitrary<readonly Event[]> = fc
  .record({
    first: fc.array(anySubmit, { minLength: 4, maxLength: 10, size: 'max' }),
    events: fc.array(anyEvent, { minLength: 8, maxLength: 50, size: 'max' }),
  })
  .map(({ first, events }) => [
    { kind: 'join', machine: machineId(1), metadata: {} },
    { kind: 'join', machine: machineId(2), metadata: { disk: 'ssd' } },
    { kind: 'join', machine: machineId(3), metadata: { disk: 'hdd' } },
    ...first,
    { kind: 'round' },
    ...events,
  ]);

/** Lets one event happen. */
export function happen(cluster: SimulatedCluster, event: Event): void {
  switch (event.kind) {
    case 'submit':
      cluster.submit(event.unit, event.options);
      return;
    case 'desire':
      if (cluster.units.get(event.unit)?.gone === false) {
        desire(cluster, event.unit, event.desired);
      }
      return;
    case 'destroy':
      cluster.change(event.unit, { gone: true });
      return;
    case 'restart': {
      const restartCount = (cluster.units.get(event.unit)?.restartCount ?? 0) + 1;
      cluster.change(event.unit, { restartCount });
      return;
    }
    case 'fail':
      cluster.failing.add(event.unit);
      return;
    case 'finish':
      cluster.finish(event.unit);
      return;
    case 'refuse':
      cluster.refusing.add(`${event.machine} ${event.unit}`);
      return;
    case 'plan':
      cluster.plan(event.countMax);
      return;
    case 'round':
      cluster.plan();
      for (const id of cluster.machines.keys()) cluster.obey(id);
      return;
    case 'wait':
      cluster.nowMs += event.ms;
      return;
    default:
      happenTo(cluster, event);
  }
}

function happenTo(cluster: SimulatedCluster, event: Extract<Event, { machine: MachineId }>): void {
  switch (event.kind) {
    case 'join':
      if (cluster.away.has(event.machine)) cluster.comeBack(event.machine);
      else if (!cluster.machines.has(event.machine)) cluster.join(event.machine, event.metadata);
      return;
    case 'metadata':
      cluster.setMachine(event.machine, { metadata: new Map(Object.entries(event.metadata)) });
      return;
    case 'partition':
    case 'power':
      cluster.vanish(event.machine, event.kind);
      return;
    case 'back':
      cluster.comeBack(event.machine);
      return;
    case 'leave':
      cluster.setMachine(event.machine, { leaving: true });
      return;
    case 'obey':
      cluster.obey(event.machine);
      return;
    default:
  }
}

/** As the API does it: a start of a oneshot that was not started is another run. */
function desire(cluster: SimulatedCluster, unit: UnitName, desired: Desired): void {
  const record = cluster.units.get(unit);
  if (record === undefined) return;
  const isRun = record.oneshot && desired === 'launched' && record.desired !== 'launched';
  cluster.change(unit, { desired, restartCount: record.restartCount + (isRun ? 1 : 0) });
}
