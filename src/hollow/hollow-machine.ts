import { randomUUID } from 'node:crypto';
import { runAgent } from '../agent/agent.ts';
import { becomeMember, followStore, type MembershipOptions } from '../daemon/membership.ts';
import { DiskRecord } from '../daemon/memory.ts';
import {
  type RememberedCluster,
  type RememberedRevision,
  StoreMemory,
} from '../daemon/store-memory.ts';
import { systemClock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import type { Logger } from '../lib/log.ts';
import { flotillaVersion } from '../lib/version.ts';
import type { BootId, MachineId } from '../model/ids.ts';
import { openRegistry, type Registry } from '../registry/connect-registry.ts';
import type { Store } from '../registry/store.ts';
import { CountedLedger } from './counted-ledger.ts';
import { HollowSystemd, runtimeFolder } from './hollow-systemd.ts';
import { MemoryDisk } from './memory-disk.ts';

const limits = { leaveMs: 5_000 } as const;

/** What a hollow machine is made of. */
export interface HollowMachineParts {
  readonly id: MachineId;
  /** Shared by some machines of a process: one connection to etcd. */
  readonly store: Store;
  readonly keyPrefix: string;
  readonly ttlMs: number;
  readonly metadata: ReadonlyMap<string, string>;
  readonly log: Logger;
}

/** A record of a machine's disk, in memory. */
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
}

/**
 * One machine of a cluster without a computer: the daemon's own membership, lease and agent, wired
 * as src/daemon/daemon.ts wires them; its systemd and its files are in memory. It never leads.
 */
export class HollowMachine {
  readonly id: MachineId;
  readonly ledger: CountedLedger;
  readonly #registry: Registry;
  readonly #parts: HollowMachineParts;
  readonly #bootId = randomUUID() as BootId;
  readonly #ending = new AbortController();
  #life: Promise<void> = Promise.resolve();

  constructor(parts: HollowMachineParts) {
    const { id, store, keyPrefix, ttlMs, metadata } = parts;
    this.id = id;
    this.#parts = parts;
    const self = {
      ...{ id, metadata, bootId: this.#bootId, version: flotillaVersion },
      ...{ address: '127.0.0.1', leaving: false },
    };
    this.#registry = openRegistry({ store, keyPrefix, ttlMs, self, clock: systemClock });
    this.ledger = new CountedLedger(this.#registry.ledger, systemClock);
  }

  get isRegistered(): boolean {
    return this.#registry.registration.isRegistered;
  }

  /** Registers, then works until it is ended. Resolves once it is registered, or ended before. */
  async start(): Promise<void> {
    const { signal } = this.#ending;
    const outcome = await becomeMember(this.#membership(), signal);
    if (outcome.kind === 'registered') this.#life = this.#work(signal);
  }

  /** As when its power is cut: it does nothing more, and its lease is left to expire. */
  async fail(): Promise<void> {
    this.#registry.keeper.close();
    this.#ending.abort();
    await this.#life;
  }

  /** Gives its lease back and ends; false when etcd did not take it, and lets it expire. */
  async leave(): Promise<boolean> {
    this.#ending.abort();
    await this.#life;
    try {
      await this.#registry.lease.release(AbortSignal.timeout(limits.leaveMs));
      return true;
    } catch (error) {
      if (!(error instanceof FleetError)) throw error;
      this.#parts.log.warn({ problem: messageOf(error) }, 'lease not given back, it will expire');
      return false;
    }
  }

  #membership(): MembershipOptions {
    const records = {
      cluster: new MemoryRecord<RememberedCluster>(),
      revision: new MemoryRecord<RememberedRevision>(),
    };
    const { log } = this.#parts;
    const memory = new StoreMemory(records, systemClock, log);
    return { registry: this.#registry, memory, clock: systemClock, log };
  }

  async #work(signal: AbortSignal): Promise<void> {
    const { registration, lease, ledger } = this.#registry;
    await Promise.all([
      registration.keep(signal),
      followStore(this.#membership(), signal),
      ledger.run(signal),
      this.#runAgent(lease, signal),
    ]);
  }

  #runAgent(lease: Registry['lease'], signal: AbortSignal): Promise<void> {
    const { log } = this.#parts;
    const { registration } = this.#registry;
    const disk = new MemoryDisk();
    return runAgent(
      {
        connect: async (events) => new HollowSystemd(disk, events),
        ...{ ledger: this.ledger, clock: systemClock, log, disk, lease },
        uptimeMs: () => systemClock.nowMs(),
        bootId: this.#bootId,
        paths: {
          root: '',
          unitsDirectory: '/run/fleet/units',
          stateDirectory: '/run/fleet',
          runtimeDirectory: runtimeFolder,
        },
        onShutdown: () => undefined,
        onReportsDoubted: (doubt) => registration.onChange(doubt),
      },
      signal,
    );
  }
}
