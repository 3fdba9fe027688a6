import { expect, test } from 'vitest';
import { EngineCounts } from '../../../src/daemon/engine-counts.ts';
import { unbraked } from '../../../src/engine/brake.ts';
import { runEngine } from '../../../src/engine/engine.ts';
import { FleetError } from '../../../src/lib/error.ts';
import type { HistogramReading } from '../../../src/lib/metric.ts';
import { CapturedLog } from '../../builders/captured-log.ts';
import { aMachine, aPicture, aUnit, machineId, named } from '../../builders/cluster.ts';
import { ManualClock } from '../../builders/manual-clock.ts';
import { electionOf, MemorySession } from '../../builders/memory-session.ts';

const web = named('web');
const record = aUnit(web);
const session = (): MemorySession =>
  new MemorySession(
    aPicture({
      units: new Map([[web, record]]),
      machines: new Map([[machineId(1), aMachine(machineId(1))]]),
      texts: new Set([record.contentHash]),
    }),
    9n,
  );

function run(leading: MemorySession) {
  const clock = new ManualClock();
  const meter = new EngineCounts(clock);
  const abort = new AbortController();
  const election = electionOf(leading);
  const brake = unbraked.rules;
  const log = new CapturedLog();
  const ended = runEngine({ election, clock, log, meter, brake }, abort.signal);
  const stop = async (): Promise<void> => {
    abort.abort();
    await clock.pass(0);
    await ended;
  };
  return { clock, meter, stop };
}

function valueOfMetric(meter: EngineCounts, name: string, label = ''): number | undefined {
  const metric = meter.metrics().find((one) => one.name === `fleet_engine_${name}`);
  if (metric === undefined || metric.type === 'histogram') return undefined;
  return metric.samples.find(({ labels }) => Object.values(labels).join('') === label)?.value;
}

function reading(meter: EngineCounts, name: string): HistogramReading | undefined {
  const metric = meter.metrics().find((one) => one.name === `fleet_engine_${name}`);
  return metric?.type === 'histogram' ? metric.samples[0]?.reading : undefined;
}

test('a term, its passes and its placements are counted', async () => {
  const { clock, meter, stop } = run(session());
  await clock.pass(100);
  expect(valueOfMetric(meter, 'is_leader')).toBe(1);
  expect(valueOfMetric(meter, 'term')).toBe(9);
  expect(valueOfMetric(meter, 'units')).toBe(1);
  expect(valueOfMetric(meter, 'units_waiting')).toBe(0);
  expect(valueOfMetric(meter, 'task_count_total', 'attemptscheduleunit')).toBe(1);
  expect(valueOfMetric(meter, 'reconcile_count_total')).toBeGreaterThan(0);
  expect(reading(meter, 'placement_latency_seconds')?.count).toBe(1);
  await stop();
  expect(valueOfMetric(meter, 'is_leader')).toBe(0);
});

test('what waits for a store that is away counts from the change on, not from the last try', async () => {
  const leading = session();
  const trouble = { code: 'registry/unavailable', retry: 'soon', hint: 'wait' } as const;
  leading.answers.push(...Array(3).fill(new FleetError('etcd is away', trouble)));
  const { clock, meter, stop } = run(leading);
  await clock.pass(60_000);
  expect(valueOfMetric(meter, 'reconcile_failure_count_total', 'run')).toBe(3);
  expect(reading(meter, 'placement_latency_seconds')?.count).toBe(1);
  // Three pauses of the back-off lie between: at least the first of them, 100 ms.
  expect(reading(meter, 'placement_latency_seconds')?.sum).toBeGreaterThan(0.1);
  await stop();
});

test('a unit that fits nowhere is one that waits', async () => {
  const leading = session();
  leading.show({ ...leading.picture(), machines: new Map() });
  const { clock, meter, stop } = run(leading);
  await clock.pass(100);
  expect(valueOfMetric(meter, 'units_waiting')).toBe(1);
  expect(valueOfMetric(meter, 'task_count_total', 'attemptscheduleunit')).toBe(0);
  expect(reading(meter, 'placement_latency_seconds')?.count).toBe(0);
  await stop();
});
