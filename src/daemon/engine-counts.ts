import type { Clock } from '../lib/clock.ts';
import { Histogram, LabelledCounter, type Metric } from '../lib/metric.ts';
import type { Decision } from '../model/change.ts';
import type { LeaderSession } from '../model/ledger.ts';
import type { EngineMeter, PassEnd } from '../model/meters.ts';

/** Kinds of decisions, under the names that fleet 1.0 gave to the two that it had. */
type TaskType = 'attemptscheduleunit' | 'unscheduleunit' | 'order' | 'forget' | 'member';

/** What the engine did since this daemon started, and the term it leads, if it does. */
export class EngineCounts implements EngineMeter {
  readonly #clock: Clock;
  readonly #tasks = new LabelledCounter<TaskType>('type', [
    'attemptscheduleunit',
    'unscheduleunit',
  ]);
  readonly #taskFailures = new LabelledCounter<TaskType>('type', ['attemptscheduleunit']);
  readonly #passes = new LabelledCounter<PassEnd>('end', ['settled', 'overtaken', 'deposed']);
  readonly #passFailures = new LabelledCounter<'run' | 'schedule'>('type', ['run', 'schedule']);
  readonly #passDurations = new Histogram();
  readonly #placementWaits = new Histogram();
  #passCount = 0;
  #term: { readonly session: LeaderSession; readonly sinceMs: number } | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** null while this machine does not lead. */
  get session(): LeaderSession | null {
    return this.#term?.session.isLive() === true ? this.#term.session : null;
  }

  termBegan(session: LeaderSession): void {
    this.#term = { session, sinceMs: this.#clock.wallMs() };
  }

  termEnded(): void {
    this.#term = null;
  }

  passEnded(end: PassEnd, tookMs: number): void {
    if (end === 'failed') {
      this.#passFailures.add('run');
      return;
    }
    this.#passCount += 1;
    this.#passes.add(end);
    this.#passDurations.observe(tookMs);
  }

  committed(decision: Decision): void {
    this.#tasks.add(typeOf(decision));
  }

  placed(waitedMs: number): void {
    this.#placementWaits.observe(waitedMs);
  }

  gaveUp(decision: Decision): void {
    this.#taskFailures.add(typeOf(decision));
    this.#passFailures.add('schedule');
  }

  metrics(): readonly Metric[] {
    return [...this.#ofLeader(), ...this.#counted()];
  }

  #ofLeader(): readonly Metric[] {
    const { session } = this;
    const sinceMs = session === null ? null : (this.#term?.sinceMs ?? null);
    return [
      gauge('fleet_engine_is_leader', 'Whether this machine leads.', session === null ? 0 : 1),
      gauge('fleet_engine_term', 'The term it leads, or 0.', Number(session?.term ?? 0)),
      gauge(
        'fleet_engine_leader_start_time',
        'When this machine became the leader, in seconds since 1970; 0 when it does not lead.',
        sinceMs === null ? 0 : sinceMs / 1_000,
      ),
      ...(session === null ? [] : clusterMetrics(session)),
    ];
  }

  #counted(): readonly Metric[] {
    return [
      {
        name: 'fleet_engine_task_count_total',
        help: 'Decisions that are in the store.',
        type: 'counter',
        samples: this.#tasks.samples(),
      },
      {
        name: 'fleet_engine_task_failure_count_total',
        help: 'Decisions that fit into no transaction.',
        type: 'counter',
        samples: this.#taskFailures.samples(),
      },
      {
        name: 'fleet_engine_reconcile_count_total',
        help: 'Passes of the leader that reached the store.',
        type: 'counter',
        samples: [{ labels: {}, value: this.#passCount }],
      },
      {
        name: 'fleet_engine_reconcile_end_total',
        help: 'The same by how they ended: overtaken ones were planned again.',
        type: 'counter',
        samples: this.#passes.samples(),
      },
      {
        name: 'fleet_engine_reconcile_failure_count_total',
        help: 'Passes the store was in the way of (run), decisions given up (schedule).',
        type: 'counter',
        samples: this.#passFailures.samples(),
      },
      {
        name: 'fleet_engine_reconcile_duration_second',
        help: 'How long passes took, their writes included.',
        type: 'histogram',
        samples: [{ labels: {}, reading: this.#passDurations.read() }],
      },
      {
        name: 'fleet_engine_placement_latency_seconds',
        help: 'From the change that called for it until a placement was in the store.',
        type: 'histogram',
        samples: [{ labels: {}, reading: this.#placementWaits.read() }],
      },
    ];
  }
}

/** A gauge without labels. */
export function gauge(name: string, help: string, value: number): Metric {
  return { name, help, type: 'gauge', samples: [{ labels: {}, value }] };
}

function clusterMetrics(session: LeaderSession): readonly Metric[] {
  const { units, machines, placements, unreadable, unreadableKeys, brake } = session.picture();
  let wantedCount = 0;
  let waitingCount = 0;
  for (const [name, unit] of units) {
    if (unit.gone || unit.desired === 'inactive') continue;
    wantedCount += 1;
    if (!unit.requirements.global && (placements.get(name)?.machine ?? null) === null) {
      waitingCount += 1;
    }
  }
  return [
    gauge('fleet_engine_machines', 'Machines that are alive, seen by the leader.', machines.size),
    gauge('fleet_engine_units', 'Units that are to be loaded or launched.', wantedCount),
    gauge('fleet_engine_units_waiting', 'Those of them without a machine.', waitingCount),
    gauge('fleet_engine_units_unreadable', 'Units left alone, not understood.', unreadable.size),
    gauge(
      'fleet_engine_brake_machines',
      'Vanished machines that keep their units while the brake is on.',
      brake?.waiting.length ?? 0,
    ),
    gauge(
      'fleet_engine_keys_unreadable',
      'Stored values of any kind that are not understood.',
      unreadableKeys?.size ?? 0,
    ),
  ];
}

function typeOf({ changes }: Decision): TaskType {
  const kinds = new Set(changes.map(({ kind }) => kind));
  const isPlaced = changes.some((one) => one.kind === 'place' && one.placement.machine !== null);
  if (isPlaced) return 'attemptscheduleunit';
  if (kinds.has('place') || kinds.has('unplace')) return 'unscheduleunit';
  if (kinds.has('order') || kinds.has('withdraw')) return 'order';
  return kinds.has('member') ? 'member' : 'forget';
}
