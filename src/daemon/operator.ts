import { systemClock } from '../lib/clock.ts';
import type { Metric } from '../lib/metric.ts';
import { flotillaVersion } from '../lib/version.ts';
import type { Registry } from '../registry/connect-registry.ts';
import { AgentCounts } from './agent-counts.ts';
import type { DaemonParts } from './daemon-parts.ts';
import { EngineCounts } from './engine-counts.ts';
import { ownAddress } from './identity.ts';
import { levelOf } from './log.ts';
import { AnswerCounts, daemonMetrics } from './metrics.ts';
import { Reloader } from './reload.ts';
import { dumpState } from './state-dump.ts';

/** Counts of everything, for metrics and dumps. */
export interface Counts {
  readonly engine: EngineCounts;
  readonly agent: AgentCounts;
  readonly answers: AnswerCounts;
}

/** All at zero. */
export function newCounts(): Counts {
  return {
    engine: new EngineCounts(systemClock),
    agent: new AgentCounts(),
    answers: new AnswerCounts(),
  };
}

/** What `GET /metrics` says now. */
export function metricsOf(registry: Registry, counts: Counts): readonly Metric[] {
  const { store, lease, keeper, ledger } = registry;
  return daemonMetrics({
    ...counts,
    requests: () => store.counts(),
    lease: () => lease.status(),
    keeper: () => keeper.counts(),
    orderCount: () => ledger.orderBook()?.orders.size ?? null,
  });
}

/** What reads the configuration again, with everything that it changes. */
export function reloaderFor({ settings, readConfig, registry, log }: DaemonParts): Reloader {
  return new Reloader({
    ...{ settings, readConfig, ownAddress, log },
    clock: systemClock,
    update: (change, signal) => registry.registration.update(change, signal),
    setVerbosity: (verbosity) => {
      log.level = levelOf(verbosity);
    },
  });
}

/** Answers the signals of operators until the daemon ends. */
export function answerOperator(
  { operator, identity, registry, log }: DaemonParts,
  counts: Counts,
  reloader: Reloader,
  signal: AbortSignal,
): void {
  operator.onReload(() => {
    reloader.reload(signal).catch((error: unknown) => {
      log.error({ err: error }, 'failed to read the configuration again');
    });
  });
  operator.onDump(() => {
    const state = {
      machine: identity.id,
      version: flotillaVersion,
      lease: registry.lease.status(),
      session: counts.engine.session,
      book: registry.ledger.orderBook(),
      pass: counts.agent.pass,
    };
    dumpState(state, log);
  });
}
