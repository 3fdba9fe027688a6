import { systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { Metric } from '../lib/metric.ts';
import { flotillaVersion } from '../lib/version.ts';
import { brakeNotices } from '../model/brake.ts';
import type { Registry } from '../registry/connect-registry.ts';
import { AgentCounts } from './agent-counts.ts';
import type { DaemonParts } from './daemon-parts.ts';
import { EngineCounts } from './engine-counts.ts';
import { ownAddress } from './identity.ts';
import { levelOf } from './log.ts';
import { AnswerCounts, daemonMetrics } from './metrics.ts';
import { NoticeBoard } from './notice-board.ts';
import { Reloader } from './reload.ts';
import { dumpState } from './state-dump.ts';
import { type StoreSignSources, storeMetrics } from './store-signs.ts';

/** Counts of everything, for metrics and dumps, and what is to be told. */
export interface Counts {
  readonly engine: EngineCounts;
  readonly agent: AgentCounts;
  readonly answers: AnswerCounts;
  readonly notices: NoticeBoard;
}

/** All at zero, and nothing to tell. */
export function newCounts(log: Logger): Counts {
  return {
    engine: new EngineCounts(systemClock),
    agent: new AgentCounts(),
    answers: new AnswerCounts(),
    notices: new NoticeBoard(log),
  };
}

/** What `GET /metrics` says now. */
export function metricsOf(registry: Registry, counts: Counts): readonly Metric[] {
  const { store, lease, keeper, ledger } = registry;
  return daemonMetrics({
    ...counts,
    store: () => storeMetrics(signsOf(registry, counts)),
    notices: () => counts.notices.metrics(),
    requests: () => store.counts(),
    lease: () => lease.status(),
    keeper: () => keeper.counts(),
    orderCount: () => ledger.orderBook()?.orders.size ?? null,
  });
}

/** Hangs the brake on the board: the leader knows of it at once, everybody by asking the store. */
export function tellOfBrake({ roster }: Registry, { notices, engine }: Counts): void {
  notices.addOwn(() => brakeNotices(engine.session?.picture().brake ?? null));
  notices.addAsked('brake', async (signal) => brakeNotices(await roster.readBrake(signal)));
}

/** What the signs of the store are read from. */
export function signsOf({ gate, fill }: Registry, { engine }: Counts): StoreSignSources {
  return { gate, fill, session: () => engine.session };
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
