import type { HistogramSample, Metric, MetricSample } from '../lib/metric.ts';
import { flotillaVersion } from '../lib/version.ts';
import type { LeaseStatus } from '../registry/lease.ts';
import type { KeeperCounts } from '../registry/lease-keeper.ts';
import type { RequestCount, RequestKind } from '../registry/store.ts';
import type { AgentCounts } from './agent-counts.ts';
import { type EngineCounts, gauge } from './engine-counts.ts';

/** What the daemon's metrics are read from. */
export interface MetricSources {
  readonly engine: EngineCounts;
  readonly agent: AgentCounts;
  readonly answers: AnswerCounts;
  readonly requests: () => ReadonlyMap<RequestKind, RequestCount>;
  readonly lease: () => LeaseStatus | null;
  readonly notices: () => readonly Metric[];
  readonly store: () => readonly Metric[];
  readonly keeper: () => KeeperCounts;
  /** How many orders this machine has; null while they are not known. */
  readonly orderCount: () => number | null;
}

/** Answers of the API, by method and status. */
export class AnswerCounts {
  readonly #counts = new Map<string, { method: string; status: number; count: number }>();

  add(method: string, status: number): void {
    const key = `${method} ${status}`;
    const row = this.#counts.get(key) ?? { method, status, count: 0 };
    row.count += 1;
    this.#counts.set(key, row);
  }

  samples(): readonly MetricSample[] {
    return [...this.#counts.values()].map(({ method, status, count }) => ({
      labels: { method, status: String(status) },
      value: count,
    }));
  }
}

/** Everything that `GET /metrics` says. docs/reference/metrics.md explains each name. */
export function daemonMetrics(sources: MetricSources): readonly Metric[] {
  const { engine, agent, answers } = sources;
  return [
    {
      name: 'fleet_build_info',
      help: 'The version of fleetd; the value is always 1.',
      type: 'gauge',
      samples: [{ labels: { version: flotillaVersion }, value: 1 }],
    },
    ...engine.metrics(),
    ...agent.metrics(),
    ...sources.notices(),
    ...sources.store(),
    ...registryMetrics(sources.requests()),
    ...leaseMetrics(sources.lease()),
    ...keeperMetrics(sources.keeper()),
    gauge('fleet_agent_orders', 'Units this machine has orders for.', sources.orderCount() ?? 0),
    {
      name: 'fleet_api_answers_total',
      help: 'Answers of the API.',
      type: 'counter',
      samples: answers.samples(),
    },
    ...processMetrics(),
  ];
}

function registryMetrics(requests: ReadonlyMap<RequestKind, RequestCount>): readonly Metric[] {
  const by = (value: (count: RequestCount) => number): readonly MetricSample[] =>
    [...requests].map(([type, count]) => ({ labels: { type }, value: value(count) }));
  const durations = [...requests].flatMap(([ops, { durations: reading }]): HistogramSample[] =>
    reading === null ? [] : [{ labels: { ops }, reading }],
  );
  return [
    {
      name: 'fleet_registry_operation_count_total',
      help: 'Requests to etcd by kind.',
      type: 'counter',
      samples: by(({ sentCount }) => sentCount),
    },
    {
      name: 'fleet_registry_operation_failed_count_total',
      help: 'Those of them that failed.',
      type: 'counter',
      samples: by(({ failedCount }) => failedCount),
    },
    {
      name: 'fleet_registry_operation_duration_second',
      help: 'How long answers of etcd took.',
      type: 'histogram',
      samples: durations,
    },
  ];
}

function leaseMetrics(lease: LeaseStatus | null): readonly Metric[] {
  const held = gauge('fleet_lease_held', 'Whether this machine holds its lease.', lease ? 1 : 0);
  if (lease === null) return [held];
  const { heldForMs, renewedAgoMs, ttlMs } = lease;
  return [
    held,
    gauge('fleet_lease_age_seconds', 'Since this daemon holds its lease.', heldForMs / 1_000),
    gauge('fleet_lease_renewed_ago_seconds', 'Since its last renewal.', renewedAgoMs / 1_000),
    gauge('fleet_lease_ttl_seconds', 'What it lasts without renewal.', ttlMs / 1_000),
  ];
}

function keeperMetrics(counts: KeeperCounts): readonly Metric[] {
  const { withheld, stoodDownCount, sleptCount, restartCount } = counts;
  const events = { 'stood-down': stoodDownCount, slept: sleptCount, restarted: restartCount };
  return [
    {
      name: 'fleet_lease_withheld_total',
      help: 'Times that the lease was left to expire, since this did not work for wedge_seconds.',
      type: 'counter',
      samples: Object.entries(withheld).map(([why, value]) => ({ labels: { why }, value })),
    },
    {
      name: 'fleet_keeper_events_total',
      help: 'What else the thread met that renews the lease.',
      type: 'counter',
      samples: Object.entries(events).map(([event, value]) => ({ labels: { event }, value })),
    },
  ];
}

function processMetrics(): readonly Metric[] {
  const { user, system } = process.cpuUsage();
  const startedAtMs = Date.now() - process.uptime() * 1_000;
  return [
    {
      name: 'process_cpu_seconds_total',
      help: 'Processor time of this process.',
      type: 'counter',
      samples: [{ labels: {}, value: (user + system) / 1e6 }],
    },
    gauge('process_resident_memory_bytes', 'Memory of this process.', process.memoryUsage.rss()),
    gauge(
      'process_start_time_seconds',
      'When this process started, in seconds since 1970.',
      startedAtMs / 1_000,
    ),
  ];
}
