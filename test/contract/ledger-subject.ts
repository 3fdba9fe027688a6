import { expect } from 'vitest';
import type { Clock } from '../../src/lib/clock.ts';
import type { Submission } from '../../src/model/catalog.ts';
import type { Decision } from '../../src/model/change.ts';
import type { BootId, MachineId, Revision, UnitIdentity } from '../../src/model/ids.ts';
import type { LeaderSession } from '../../src/model/ledger.ts';
import type { Machine } from '../../src/model/machine.ts';
import type { Order } from '../../src/model/order.ts';
import type { StateReport } from '../../src/model/report.ts';
import { openRegistry, type Registry } from '../../src/registry/connect-registry.ts';
import { FaultyStore } from '../../src/registry/faulty-store.ts';
import type { Store } from '../../src/registry/store.ts';
import { contentHash, type UnitHash } from '../../src/unitfile/unit-hash.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

export const never = new AbortController().signal;
export const ttlMs = 2000;

/** One kind of store for tests of what stands on it. */
export interface LedgerSubject {
  readonly clock: Clock;
  /** A client of its own for one daemon. */
  openStore(): Store;
  /** Lets `ms` pass. */
  pass(ms: number): Promise<void>;
  compact(at: Revision): Promise<void>;
  stop(): Promise<void>;
}

/** One daemon's registry, joined to the cluster, with its background loops. */
export interface Daemon extends Registry {
  readonly faults: FaultyStore;
  readonly self: Machine;
  lead(): Promise<LeaderSession>;
  /** As `kill -9`: nothing is given back. */
  crash(): Promise<void>;
}

/** Daemons on one prefix of one store. */
export class TestCluster {
  readonly #subject: LedgerSubject;
  readonly #prefix: string;
  readonly #daemons: Daemon[] = [];
  #identityNumber = 0;

  constructor(subject: LedgerSubject, prefix: string) {
    this.#subject = subject;
    this.#prefix = prefix;
  }

  /** A daemon that has not joined yet. */
  boot(id: string, bootId = 'boot-1', address = `10.0.0.${id}`, formatMax?: number): Daemon {
    const { clock } = this.#subject;
    const self: Machine = {
      id: id as MachineId,
      bootId: bootId as BootId,
      address,
      version: '1',
      metadata: new Map([['rack', id]]),
      leaving: false,
    };
    const faults = new FaultyStore(this.#subject.openStore());
    const registry = openRegistry({
      store: faults,
      keyPrefix: this.#prefix,
      ttlMs,
      self,
      clock,
      ...(formatMax === undefined ? {} : { formatMax }),
      newIdentity: () => `identity-${this.#identityNumber++}` as UnitIdentity,
    });
    const ending = new AbortController();
    const running: Promise<unknown>[] = [registry.ledger.run(ending.signal)];
    const daemon: Daemon = {
      ...registry,
      faults,
      self,
      lead: async () => {
        const session = await this.done(registry.election.lead(ending.signal));
        if (session === null) throw new Error('not elected');
        return session;
      },
      crash: async () => {
        ending.abort();
        faults.cut();
        await this.done(registry.lease.stop(never)); // cut off: renews nothing
        await this.done(Promise.all(running));
      },
    };
    this.#daemons.push(daemon);
    return daemon;
  }

  /** A daemon that has joined. */
  async join(id: string, bootId?: string): Promise<Daemon> {
    const daemon = this.boot(id, bootId);
    const memory = { clusterId: null, epoch: null, revision: null };
    const verdict = await this.done(daemon.cluster.settle(memory, `cluster-of-${id}`, never));
    expect(verdict.kind).toBe('join');
    expect(await this.done(daemon.registration.join(never))).toEqual({ kind: 'registered' });
    return daemon;
  }

  /** Lets time pass until it is so. */
  async until(what: string, isSo: () => boolean): Promise<void> {
    const waitedMsMax = 20_000;
    for (let waitedMs = 0; !isSo(); waitedMs += 20) {
      if (waitedMs > waitedMsMax) throw new Error(`never came true: ${what}`);
      await this.#subject.pass(20);
    }
  }

  /** Lets time pass until it is settled. */
  async done<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await this.until('a promise settles', () => isSettled);
    return promise;
  }

  async stop(): Promise<void> {
    for (const daemon of this.#daemons) await daemon.crash();
  }
}

export function aName(text: string): UnitName {
  return text as UnitName;
}

export function aSubmission(name: string, text = '[Service]\nExecStart=/bin/true\n'): Submission {
  return {
    name: aName(name),
    text,
    unitHash: contentHash(text.replace(/^#.*\n/m, '')) as string as UnitHash,
    contentHash: contentHash(text),
    requirements: {
      machineId: null,
      machineOf: [],
      metadata: [],
      conflicts: [],
      replaces: [],
      global: false,
    },
    oneshot: false,
    desired: 'launched',
  };
}

export function anOrder(want: Order['want'] = 'launch'): Order {
  const { unitHash, contentHash: hash } = aSubmission('a.service');
  return {
    identity: 'identity-x' as UnitIdentity,
    unitHash,
    contentHash: hash,
    want,
    restartCount: 0,
    after: [],
    reason: 'test',
  };
}

export function aReport(active: string, identity = 'identity-x'): StateReport {
  return {
    identity: identity as UnitIdentity,
    unitHash: aSubmission('a.service').unitHash,
    current: 'launched',
    load: 'loaded',
    active,
    sub: 'running',
    problem: null,
  };
}

/** One decision that orders a unit onto a machine. */
export function ordering(machine: string, unit: string, want: Order['want'] = 'launch'): Decision {
  const order = anOrder(want);
  const change = {
    kind: 'order',
    machine: machine as MachineId,
    unit: aName(unit),
    order,
  } as const;
  return { subject: unit, reason: 'test', changes: [change] };
}
