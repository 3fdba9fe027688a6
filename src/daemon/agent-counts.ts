import { Histogram, LabelledCounter, type Metric } from '../lib/metric.ts';
import type { AgentMeter, AgentPass } from '../model/meters.ts';
import { gauge } from './engine-counts.ts';

/** What the agent did since this daemon started, and its newest pass. */
export class AgentCounts implements AgentMeter {
  readonly #jobs = new LabelledCounter<'start' | 'stop'>('job', ['start', 'stop']);
  readonly #failures = new LabelledCounter<string>('task', ['start', 'stop']);
  readonly #passDurations = new Histogram();
  #restartCount = 0;
  #reportsWaiting: () => number = () => 0;
  /** null before the first pass. */
  pass: AgentPass | null = null;

  passEnded(pass: AgentPass): void {
    this.pass = pass;
    this.#passDurations.observe(pass.tookMs);
  }

  askedFor(job: 'start' | 'stop', isCalledFor: boolean): void {
    this.#jobs.add(job);
    if (job === 'stop' && !isCalledFor) this.#restartCount += 1;
  }

  taskFailed(kind: string): void {
    this.#failures.add(kind);
  }

  canCountReports(waitingCount: () => number): void {
    this.#reportsWaiting = waitingCount;
  }

  metrics(): readonly Metric[] {
    const busy = [...(this.pass?.busy.values() ?? [])];
    const jobs = (['start', 'stop'] as const).map((job) => ({
      labels: { job },
      value: busy.filter((kind) => kind === job).length,
    }));
    return [
      {
        name: 'fleet_agent_restarts_caused_total',
        help: 'Stops of units whose order did not ask for it; anything but 0 is a defect.',
        type: 'counter',
        samples: [{ labels: {}, value: this.#restartCount }],
      },
      {
        name: 'fleet_agent_jobs_total',
        help: 'Jobs that systemd was asked for.',
        type: 'counter',
        samples: this.#jobs.samples(),
      },
      {
        name: 'fleet_agent_task_failures_total',
        help: 'Tasks that failed; they are tried again.',
        type: 'counter',
        samples: this.#failures.samples(),
      },
      {
        name: 'fleet_agent_jobs_running',
        help: 'Jobs under way or waiting for their turn.',
        type: 'gauge',
        samples: jobs,
      },
      gauge(
        'fleet_agent_units_waiting',
        'Units whose order waits for something.',
        this.pass?.waits.length ?? 0,
      ),
      gauge(
        'fleet_agent_reports_waiting',
        'Reports that are not in the store yet.',
        this.#reportsWaiting(),
      ),
      {
        name: 'fleet_agent_reconcile_duration_seconds',
        help: 'How long passes of the agent took.',
        type: 'histogram',
        samples: [{ labels: {}, reading: this.#passDurations.read() }],
      },
    ];
  }
}
