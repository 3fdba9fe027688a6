import type { HollowCounts, HollowReport, HollowStart } from '../lab/hollow/words.ts';
import { hollowMetadata } from '../lab/hollow/words.ts';
import { systemClock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import type { MachineId, Revision } from '../model/ids.ts';
import { EtcdStore } from '../registry/etcd-store.ts';
import { Keys } from '../registry/keys.ts';
import { readWhole } from '../registry/paged-read.ts';
import { RequestCounter } from '../registry/request-counter.ts';
import type { Watch } from '../registry/store.ts';
import { HollowMachine } from './hollow-machine.ts';

const limits = {
  /** Machines that join side by side; more only wait in etcd. */
  joiningCountMax: 64,
  /** A stream takes one renewal a turn of the loop: those of a thousand machines would pile up. */
  machinesPerConnectionMax: 10,
  requestTimeoutMs: 5_000,
} as const;

/** All hollow machines of one process, on few connections to etcd. */
export class HollowProcess {
  readonly #start: HollowStart;
  readonly #tell: (report: HollowReport) => void;
  readonly #stores: readonly EtcdStore[];
  readonly #counter = new RequestCounter();
  readonly #keys: Keys;
  readonly #machines = new Map<number, HollowMachine>();
  readonly #failed = new Set<MachineId>();
  readonly #over = new AbortController();
  readonly #warned = new Set<string>();
  #watch: Watch | null = null;
  #expiredAtMs = 0;
  #expiredCount = 0;

  constructor(start: HollowStart, tell: (report: HollowReport) => void) {
    this.#start = start;
    this.#tell = tell;
    this.#keys = new Keys(start.keyPrefix);
    const { endpoints } = start;
    const { requestTimeoutMs, machinesPerConnectionMax } = limits;
    const access = { endpoints, tls: null, login: null, requestTimeoutMs };
    const storeCount = Math.ceil(start.count / machinesPerConnectionMax);
    this.#stores = Array.from({ length: storeCount }, (_, index) => {
      return new EtcdStore(access, systemClock, start.firstNumber + index, this.#counter);
    });
  }

  /** Brings every machine into the cluster, a few at a time. */
  async run(): Promise<void> {
    const { firstNumber, count } = this.#start;
    const waiting = Array.from({ length: count }, (_, index) => firstNumber + index);
    const join = async (): Promise<void> => {
      for (;;) {
        const number = waiting.shift();
        if (number === undefined || this.#over.signal.aborted) return;
        const machine = this.#machine(number);
        this.#machines.set(number, machine);
        await machine.start();
      }
    };
    await Promise.all(Array.from({ length: limits.joiningCountMax }, join));
  }

  counts(): HollowCounts {
    const machines = [...this.#machines.values()];
    const { user, system } = process.cpuUsage();
    return {
      registeredCount: machines.filter((machine) => machine.isRegistered).length,
      activeCount: machines.reduce((sum, { ledger }) => sum + ledger.active.size, 0),
      activeAtMs: machines.reduce((last, { ledger }) => Math.max(last, ledger.activeAtMs), 0),
      expiredCount: this.#expiredCount,
      expiredAtMs: this.#expiredAtMs,
      requests: Object.fromEntries(
        [...this.#counter.counts()].map(([kind, { sentCount }]) => [kind, sentCount]),
      ),
      residentBytes: process.memoryUsage.rss(),
      cpuMs: (user + system) / 1_000,
    };
  }

  /** Cuts the power of some machines, and looks when etcd lets their leases go. */
  async fail(numbers: readonly number[]): Promise<void> {
    await this.#watchMachines();
    const atMs = systemClock.nowMs();
    let lostCount = 0;
    const ends: Promise<void>[] = [];
    for (const number of numbers) {
      const machine = this.#machines.get(number);
      if (machine === undefined) continue;
      this.#machines.delete(number);
      this.#failed.add(machine.id);
      lostCount += machine.ledger.active.size;
      ends.push(machine.fail());
    }
    this.#tell({ kind: 'failed', lostCount, atMs });
    await Promise.all(ends);
  }

  list(): void {
    const places = [...this.#machines].flatMap(([number, { ledger }]) =>
      [...ledger.active].map((unit) => [unit, number] as const),
    );
    this.#tell({ kind: 'listed', places });
  }

  /** Gives every lease back. */
  async leave(): Promise<void> {
    this.#over.abort();
    this.#watch?.stop();
    const left = await Promise.all([...this.#machines.values()].map((machine) => machine.leave()));
    for (const store of this.#stores) store.close();
    this.#tell({ kind: 'left', keptCount: left.filter((isGiven) => !isGiven).length });
  }

  #machine(number: number): HollowMachine {
    const { idStart, keyPrefix, ttlMs } = this.#start;
    return new HollowMachine({
      id: `${idStart}${number.toString(16).padStart(32 - idStart.length, '0')}` as MachineId,
      store: this.#storeOf(number),
      ...{ keyPrefix, ttlMs, log: this.#log },
      metadata: new Map([[hollowMetadata.key, hollowMetadata.value]]),
    });
  }

  #storeOf(number: number): EtcdStore {
    const index = (number - this.#start.firstNumber) % this.#stores.length;
    const store = this.#stores[index];
    if (store === undefined) throw new Error(`no machine ${number} in this process`);
    return store;
  }

  async #watchMachines(): Promise<void> {
    if (this.#watch !== null) return;
    const range = this.#keys.all('machines');
    const what = { ranges: [{ range, keysOnly: true }], revision: null };
    const store = this.#storeOf(this.#start.firstNumber);
    const { revision } = await readWhole(store, what, this.#over.signal);
    this.#watch = store.watch(range, (revision + 1n) as Revision, {
      events: (events) => {
        for (const event of events) {
          const meaning = event.kind === 'delete' ? this.#keys.meaning(event.key) : null;
          if (meaning?.kind !== 'machine' || !this.#failed.delete(meaning.machine)) continue;
          this.#expiredCount += 1;
          this.#expiredAtMs = systemClock.nowMs();
        }
      },
      alive: () => undefined,
      ended: () => this.#log.warn({}, 'lost sight of the failed machines'),
    });
  }

  readonly #log: Logger = {
    debug: () => undefined,
    info: () => undefined,
    warn: (fields, message) => this.#warn(fields, message),
    error: (fields, message) => this.#warn(fields, message),
  };

  #warn(fields: object, message: string): void {
    if (this.#over.signal.aborted || this.#warned.has(message)) return;
    this.#warned.add(message);
    this.#tell({ kind: 'warned', message, fields: JSON.stringify(fields) });
  }
}
