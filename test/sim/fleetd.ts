import { runAgent } from '../../src/agent/agent.ts';
import type { Disk } from '../../src/agent/disk.ts';
import { becomeMember, followStore, type MembershipOptions } from '../../src/daemon/membership.ts';
import { DiskRecord } from '../../src/daemon/memory.ts';
import {
  type RememberedCluster,
  type RememberedRevision,
  StoreMemory,
} from '../../src/daemon/store-memory.ts';
import { runEngine } from '../../src/engine/engine.ts';
import { rest } from '../../src/lib/clock.ts';
import { FleetError, messageOf } from '../../src/lib/error.ts';
import type { Logger } from '../../src/lib/log.ts';
import type { UnitIdentity } from '../../src/model/ids.ts';
import type { Machine } from '../../src/model/machine.ts';
import { openRegistry, type Registry } from '../../src/registry/connect-registry.ts';
import type { Store } from '../../src/registry/store.ts';
import type { SimProcess } from './sim-process.ts';
import { runtimeFolder, type SimSystemd } from './sim-systemd.ts';

/** The prefix of every simulated cluster. */
export const keyPrefix = '/fleet/';
/** Where agents keep unit files. */
export const unitsFolder = '/run/fleet/units';

const limits = { stopMs: 5_000 } as const;

/** What one daemon is made of. */
export interface FleetdParts {
  readonly self: Machine;
  readonly ttlMs: number;
  readonly brakeMs: number;
  readonly process: SimProcess;
  readonly store: Store;
  readonly systemd: SimSystemd;
  readonly disk: Disk;
  /** What outlives the daemon in /var/lib/fleet, and in /run/fleet. */
  readonly memory: { readonly cluster: ClusterFile; readonly revision: RevisionFile };
  readonly log: Logger;
  readonly newIdentity: () => UnitIdentity;
}

/** How a daemon ended by itself. */
export type FleetdEnd =
  | { readonly kind: 'stopped' | 'refused' }
  | { readonly kind: 'failed'; readonly problem: string; readonly isBug: boolean };

/** A record on a machine's disk, in memory. */
class MemoryRecord<T> extends DiskRecord<T> {
  #value: T | null = null;

  constructor() {
    super('', () => null);
  }
  override read(): T | null {
    return this.#value;
  }
  override write(value: T): void {
    this.#value = value;
  }
  /** The machine lost what it was on. */
  wipe(): void {
    this.#value = null;
  }
}

/** /var/lib/fleet/cluster.json */
export class ClusterFile extends MemoryRecord<RememberedCluster> {}
/** /run/fleet/revision.json */
export class RevisionFile extends MemoryRecord<RememberedRevision> {}

/** The daemon's own parts wired as src/daemon/daemon.ts wires them, on simulated adapters. */
export class Fleetd {
  readonly registry: Registry;
  readonly #parts: FleetdParts;
  readonly #stopping = new AbortController();
  readonly #leaving = new AbortController();
  readonly #memory: StoreMemory;

  constructor(parts: FleetdParts) {
    this.#parts = parts;
    this.#memory = new StoreMemory(parts.memory, parts.process, parts.log);
    const { store, self, ttlMs, process: clock, newIdentity } = parts;
    this.registry = openRegistry({ store, keyPrefix, ttlMs, self, clock, newIdentity });
  }

  /** From start to end; never rejects. Never ends when its process is killed. */
  async run(): Promise<FleetdEnd> {
    try {
      return { kind: await this.#live() };
    } catch (error) {
      const isBug = !(error instanceof FleetError);
      const problem = error instanceof Error && isBug ? (error.stack ?? '') : messageOf(error);
      return { kind: 'failed', problem, isBug };
    } finally {
      await this.#end();
    }
  }

  /** SIGTERM. */
  stop(): void {
    this.#stopping.abort(new Error('stopped'));
  }

  async #live(): Promise<'stopped' | 'refused'> {
    const { log } = this.#parts;
    const { registry } = this;
    const { signal } = this.#stopping;
    const outcome = await becomeMember(this.#membership(), signal);
    if (outcome.kind !== 'registered') return outcome.kind;
    log.info({ lease: registry.lease.id }, 'joined the cluster');
    return await this.#work(signal);
  }

  #membership(): MembershipOptions {
    const { process: clock, log, self } = this.#parts;
    const newClusterId = (): string => `cluster of ${self.id}`;
    return { registry: this.registry, memory: this.#memory, clock, log, newClusterId };
  }

  async #work(signal: AbortSignal): Promise<'stopped' | 'refused'> {
    const { process: clock, log, systemd, self } = this.#parts;
    const { registration, ledger, election, lease } = this.registry;
    const stop = new AbortController();
    const isOver = AbortSignal.any([signal, stop.signal]);
    const keeping = AbortSignal.any([isOver, this.#leaving.signal]);
    let end: 'stopped' | 'refused' = 'stopped';
    const kept = registration.keep(keeping).then((outcome) => {
      if (outcome.kind !== 'refused') return;
      end = 'refused';
      stop.abort();
    });
    const agent = runAgent(
      {
        connect: (events) => systemd.connect(this.#parts.process, events),
        ...{ ledger, clock, log, bootId: self.bootId, lease, disk: this.#parts.disk },
        uptimeMs: () => clock.nowMs(),
        paths: {
          root: '',
          unitsDirectory: unitsFolder,
          stateDirectory: '/run/fleet',
          runtimeDirectory: runtimeFolder,
        },
        onShutdown: () => this.#leave(),
        onReportsDoubted: (doubt) => registration.onChange(doubt),
      },
      isOver,
    );
    const brake = { ttlMs: this.#parts.ttlMs, brakeMs: this.#parts.brakeMs };
    const roles = [
      kept,
      followStore(this.#membership(), isOver),
      ledger.run(isOver),
      agent,
      runEngine({ election, clock, log, brake }, keeping),
    ];
    try {
      await Promise.all(roles);
    } finally {
      stop.abort();
      await Promise.allSettled(roles);
    }
    return end;
  }

  /** The machine goes down. */
  #leave(): void {
    const { log } = this.#parts;
    const told = this.registry.registration.update({ leaving: true }, new AbortController().signal);
    told.catch((error: unknown) => log.warn({ problem: messageOf(error) }, 'cluster not told'));
    this.#leaving.abort();
  }

  async #end(): Promise<void> {
    const { lease } = this.registry;
    this.#memory.flush();
    const done = new AbortController();
    const { signal } = done;
    const ending = this.#leaving.signal.aborted ? lease.release(signal) : lease.stop(signal);
    const ended = ending.catch(() => undefined).finally(() => done.abort()); // it will expire
    await Promise.race([ended, rest(limits.stopMs, this.#parts.process, signal)]);
    this.registry.close();
  }
}
