import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { AgentCounts } from '../../../src/daemon/agent-counts.ts';
import { EngineCounts } from '../../../src/daemon/engine-counts.ts';
import { AnswerCounts, daemonMetrics, type MetricSources } from '../../../src/daemon/metrics.ts';
import { NoticeBoard } from '../../../src/daemon/notice-board.ts';
import type { Metric } from '../../../src/lib/metric.ts';
import { type ClusterPicture, emptyPicture } from '../../../src/model/cluster-picture.ts';
import type { MachineId, Revision, UnitIdentity } from '../../../src/model/ids.ts';
import type { LeaseId } from '../../../src/registry/store.ts';
import type { UnitName } from '../../../src/unitfile/unit-name.ts';
import { captureLog } from '../../builders/api-server.ts';
import { ManualClock } from '../../builders/manual-clock.ts';
import { MemorySession } from '../../builders/memory-session.ts';

const picture: ClusterPicture = { ...emptyPicture, revision: 9n as Revision };

function sources(): MetricSources & { readonly engine: EngineCounts; readonly agent: AgentCounts } {
  return {
    engine: new EngineCounts(new ManualClock()),
    agent: new AgentCounts(),
    answers: new AnswerCounts(),
    requests: () => new Map([['txn', { sentCount: 3, failedCount: 1, durations: null }]]),
    lease: () => ({
      leaseId: 'a' as LeaseId,
      ttlMs: 3_000,
      heldForMs: 60_000,
      renewedAgoMs: 500,
    }),
    notices: () => new NoticeBoard(captureLog().log).metrics(),
    store: () => [],
    keeper: () => ({
      withheld: { loop: 0, systemd: 1 },
      ...{ stoodDownCount: 2, sleptCount: 0, restartCount: 0 },
    }),
    orderCount: () => 4,
  };
}

/** The value of a metric, of the sample with that label if there are several. */
function value(metrics: readonly Metric[], name: string, label?: string): number | undefined {
  const metric = metrics.find((one) => one.name === name);
  if (metric === undefined || metric.type === 'histogram') return undefined;
  const fits = (labels: object): boolean =>
    label === undefined || Object.values(labels).includes(label);
  return metric.samples.find(({ labels }) => fits(labels))?.value;
}

it('every metric is explained in docs/reference/metrics.md, and of its own name', () => {
  const all = sources();
  all.engine.termBegan(new MemorySession(picture));
  const names = daemonMetrics(all).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const page = readFileSync('docs/reference/metrics.md', 'utf8');
  const shortened = page.replace(/`_(units\w*)`/g, '`fleet_engine_$1`');
  expect(names.filter((name) => !new RegExp(`\`${name}[\`{]`).test(shortened))).toEqual([]);
});

it('a machine says that it leads for as long as its term lives', () => {
  const all = sources();
  const session = new MemorySession(picture, 42n);
  const said = () => {
    const metrics = daemonMetrics(all);
    return ['fleet_engine_is_leader', 'fleet_engine_term'].map((name) => value(metrics, name));
  };
  expect(said()).toEqual([0, 0]);
  all.engine.termBegan(session);
  expect(said()).toEqual([1, 42]);
  session.depose();
  expect(said()).toEqual([0, 0]);
});

it('decisions count by what they did, with the types of fleet 1.0', () => {
  const all = sources();
  const placement = {
    machine: '1'.repeat(32) as MachineId,
    identity: 'one' as UnitIdentity,
    sinceMs: 0,
    reason: 'x',
    objections: [],
    refusals: [],
  };
  const unit = 'a.service' as UnitName;
  const decision = { subject: unit, reason: 'x' };
  all.engine.committed({ ...decision, changes: [{ kind: 'place', unit, placement }] });
  all.engine.committed({ ...decision, changes: [{ kind: 'unplace', unit }] });
  all.engine.committed({
    ...decision,
    changes: [{ kind: 'place', unit, placement: { ...placement, machine: null } }],
  });
  const metrics = daemonMetrics(all);
  const name = 'fleet_engine_task_count_total';
  expect(value(metrics, name, 'attemptscheduleunit')).toBe(1);
  expect(value(metrics, name, 'unscheduleunit')).toBe(2);
});

it('only a stop that nobody ordered counts as a restart of ours', () => {
  const all = sources();
  all.agent.askedFor('stop', true);
  all.agent.askedFor('start', true);
  expect(value(daemonMetrics(all), 'fleet_agent_restarts_caused_total')).toBe(0);
  all.agent.askedFor('stop', false);
  const metrics = daemonMetrics(all);
  expect(value(metrics, 'fleet_agent_restarts_caused_total')).toBe(1);
  expect(value(metrics, 'fleet_agent_jobs_total', 'stop')).toBe(2);
});

it('times are told in seconds, and none of a lease that is not held', () => {
  const all = sources();
  expect(value(daemonMetrics(all), 'fleet_lease_renewed_ago_seconds')).toBe(0.5);
  const without = daemonMetrics({ ...all, lease: () => null });
  expect(value(without, 'fleet_lease_held')).toBe(0);
  expect(value(without, 'fleet_lease_age_seconds')).toBeUndefined();
});
