import type { Server } from 'node:http';
import { runAgent } from '../agent/agent.ts';
import { connectSystemd } from '../agent/dbus-systemd.ts';
import { explainFromJournal } from '../agent/journal-words.ts';
import { agentLimits } from '../agent/limits.ts';
import { createApi } from '../api/server.ts';
import { runEngine } from '../engine/engine.ts';
import { rest, systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import { flotillaVersion } from '../lib/version.ts';
import type { DaemonParts } from './daemon-parts.ts';
import { joiningFrom } from './joining.ts';
import { becomeMember, followStore, type MembershipOptions } from './membership.ts';
import {
  answerOperator,
  type Counts,
  metricsOf,
  newCounts,
  reloaderFor,
  signsOf,
  tellOfBrake,
} from './operator.ts';
import { orphanNotices } from './orphan-notices.ts';
import { serveEverywhere } from './servers.ts';
import { wedgeMsOf } from './settings.ts';
import { watchSpace } from './space-watch.ts';
import { storeControl } from './store-control.ts';
import { StoreMemory, storeRecordsIn } from './store-memory.ts';
import { storeNotices } from './store-signs.ts';
import { uptimeMs } from './uptime.ts';

const limits = {
  /** For everything that ends the daemon: systemd kills it after `TimeoutStopSec=`. */
  stopMs: 5_000,
} as const;

/** Why the daemon ended: it was told to, or another machine has its machine-id. */
export type DaemonEnd = 'stopped' | 'refused';

/**
 * Runs until `signal` aborts. Restarts no unit and gives up no lease on its way out, unless the
 * machine shuts down. Rejects with FleetError when the configuration cannot be used, and with
 * anything else when a promise of docs/INVARIANTS.md broke.
 */
export async function runDaemon(parts: DaemonParts, signal: AbortSignal): Promise<DaemonEnd> {
  const { registry, log, notifier } = parts;
  const counts = newCounts(log);
  tellOfBrake(registry, counts);
  counts.notices.addAsked('orphans', (asking) => orphanNotices(registry.catalog, asking));
  const reloader = reloaderFor(parts);
  const life = new MachineLife(parts, counts);
  counts.notices.addOwn(() => storeNotices(signsOf(registry, counts)));
  const api = await createApi({
    catalog: registry.catalog,
    log,
    version: flotillaVersion,
    pageItemsDefault: () => reloader.settings.tokenLimitCount,
    onAnswer: (method, status) => counts.answers.add(method, status),
    metrics: () => metricsOf(registry, counts),
    notices: counts.notices,
    roster: registry.roster,
    store: storeControl(life.membership),
    joining: joiningFrom(registry.store, parts.settings),
    storeLooked: (signal) => registry.gate.looked(signal),
  });
  const servers = await serveEverywhere(parts, api.requestListener);
  notifier.startWatchdog();
  const failure = new AbortController();
  const isOver = AbortSignal.any([signal, failure.signal]);
  void registry.gate.looked(isOver).then(() => {
    if (!isOver.aborted) notifier.ready();
  });
  answerOperator(parts, counts, reloader, isOver);
  try {
    return await life.run(isOver);
  } finally {
    failure.abort();
    notifier.stopping();
    await within(limits.stopMs, life.end());
    await within(limits.stopMs, closeServers(servers));
    await api.close();
    notifier.stop();
    registry.close();
    log.info({}, 'stopped');
  }
}

/** This machine as a member of its cluster, from joining to leaving. */
class MachineLife {
  readonly #parts: DaemonParts;
  readonly #counts: Counts;
  /** Aborted once the machine shuts down: from then on a lost lease is not replaced. */
  readonly #leaving = new AbortController();
  readonly #membership: MembershipOptions;

  constructor(parts: DaemonParts, counts: Counts) {
    this.#parts = parts;
    this.#counts = counts;
    const { registry, places, log } = parts;
    const memory = new StoreMemory(storeRecordsIn(places), systemClock, log);
    this.#membership = { registry, memory, clock: systemClock, log };
  }

  /** What this machine remembers of the store, for whoever adopts another. */
  get membership(): MembershipOptions {
    return this.#membership;
  }

  async run(signal: AbortSignal): Promise<DaemonEnd> {
    const { registry, log } = this.#parts;
    this.#sayLeaseTrouble();
    this.#rememberLease();
    const outcome = await becomeMember(this.#membership, signal);
    if (outcome.kind === 'stopped') return 'stopped';
    if (outcome.kind === 'refused') return this.#refused(outcome);
    log.info({ lease: registry.lease.id }, 'joined the cluster');
    return this.#work(signal);
  }

  /** Gives the lease back when the machine shuts down; otherwise keeps it for the next daemon. */
  async end(): Promise<void> {
    const { lease } = this.#parts.registry;
    this.#membership.memory.flush();
    const isLeaving = this.#leaving.signal.aborted;
    const signal = AbortSignal.timeout(limits.stopMs);
    try {
      await (isLeaving ? lease.release(signal) : lease.stop(signal));
    } catch (error) {
      this.#parts.log.warn({ problem: messageOf(error) }, 'lease not given back, it will expire');
    }
  }

  async #work(signal: AbortSignal): Promise<DaemonEnd> {
    const { registry, settings } = this.#parts;
    const stop = new AbortController();
    const isOver = AbortSignal.any([signal, stop.signal]);
    const keeping = AbortSignal.any([isOver, this.#leaving.signal]);
    let end: DaemonEnd = 'stopped';
    const kept = registry.registration.keep(keeping).then((outcome) => {
      if (outcome.kind !== 'refused') return;
      end = this.#refused(outcome);
      stop.abort();
    });
    const roles = [
      kept,
      followStore(this.#membership, isOver),
      this.#watchSpace(isOver),
      registry.ledger.run(isOver),
      this.#runAgent(isOver),
      ...(settings.disableEngine ? [] : [this.#runEngine(keeping)]),
    ];
    try {
      await Promise.all(roles);
    } finally {
      stop.abort();
      await Promise.allSettled(roles);
    }
    return end;
  }

  #watchSpace(signal: AbortSignal): Promise<void> {
    const { registry, log } = this.#parts;
    const { store, fill } = registry;
    const isLeader = (): boolean => this.#counts.engine.session !== null;
    return watchSpace({ store, fill, isLeader, clock: systemClock, log }, signal);
  }

  #runEngine(signal: AbortSignal): Promise<void> {
    const { registry, log, settings } = this.#parts;
    const { election } = registry;
    const brake = { ttlMs: settings.agentTtlMs, brakeMs: settings.brakeMs };
    const meter = this.#counts.engine;
    return runEngine({ election, clock: systemClock, log, meter, brake }, signal);
  }

  #runAgent(signal: AbortSignal): Promise<void> {
    const { settings, identity, registry, places, log } = this.#parts;
    const { keeper } = registry;
    keeper.expectSystemd();
    return runAgent(
      {
        connect: (events) => connectSystemd(places.busAddress, systemClock, events),
        ledger: registry.ledger,
        clock: systemClock,
        log,
        paths: {
          root: '',
          unitsDirectory: settings.unitsDirectory,
          stateDirectory: places.run,
          runtimeDirectory: places.linksDirectory,
        },
        bootId: identity.bootId,
        onShutdown: () => this.#leave(),
        onAnswer: () => keeper.systemdAnswered(),
        pingMs: Math.min(agentLimits.pingMs, wedgeMsOf(settings) / 3),
        meter: this.#counts.agent,
        lease: registry.lease,
        uptimeMs,
        explainLoad: explainFromJournal(places.manager, systemClock, signal),
        onReportsDoubted: (doubt) => registry.registration.onChange(doubt),
      },
      signal,
    );
  }

  #leave(): void {
    const { registry, log } = this.#parts;
    log.info({}, 'machine shuts down, leaving the cluster');
    const told = registry.registration.update(
      { leaving: true },
      AbortSignal.timeout(limits.stopMs),
    );
    told.catch((error: unknown) => {
      log.warn({ problem: messageOf(error) }, 'cluster not told, the lease will say it');
    });
    this.#leaving.abort();
  }

  #refused(outcome: { readonly ourAddress: string; readonly otherAddress: string }): DaemonEnd {
    const { log, identity } = this.#parts;
    const { ourAddress, otherAddress } = outcome;
    log.error(
      { machine: identity.id, ourAddress, otherAddress },
      'refused: another living machine has this machine-id; make a new one here, then start again',
    );
    return 'refused';
  }

  /** For the process after this one, which renews it before it knows anything else. */
  #rememberLease(): void {
    const { registry, identity, lease: record, log } = this.#parts;
    const { lease, registration } = registry;
    registration.onChange(() => {
      const leaseId = lease.id;
      if (leaseId === null) return;
      try {
        record.write({ leaseId, ttlMs: lease.ttlMs, bootId: identity.bootId });
      } catch (error) {
        log.warn({ problem: messageOf(error) }, 'lease not remembered for a restart');
      }
    });
  }

  #sayLeaseTrouble(): void {
    const { registry, log } = this.#parts;
    const { lease, registration } = registry;
    let isLost = false;
    lease.onTrouble((problem) => {
      if (problem === null) log.info({}, 'lease renewed again');
      else log.warn({ problem }, 'lease not renewed, leaving units as they are');
    });
    lease.onLost(() => {
      isLost = true;
      log.warn({}, 'lease lost, leaving units as they are');
    });
    registration.onChange(() => {
      if (!isLost || !registration.isRegistered) return;
      isLost = false;
      log.info({ lease: lease.id }, 'joined the cluster again');
    });
  }
}

async function closeServers(servers: readonly Server[]): Promise<void> {
  await Promise.all(
    servers.map((server) => {
      server.closeIdleConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    }),
  );
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const ending = work.finally(() => done.abort());
  await Promise.race([ending, rest(ms, systemClock, done.signal)]);
}
