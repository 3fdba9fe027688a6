import { diskOver } from '../../src/agent/disk-file.ts';
import { FleetError } from '../../src/lib/error.ts';
import type { BootId, MachineId, UnitIdentity } from '../../src/model/ids.ts';
import type { Machine } from '../../src/model/machine.ts';
import { readKeys } from '../../src/registry/paged-read.ts';
import type { Store, TxnRequest } from '../../src/registry/store.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import type { ManualClock } from '../builders/manual-clock.ts';
import { ClusterFile, Fleetd, type FleetdEnd, RevisionFile } from './fleetd.ts';
import { callsOn, errno, MemoryDisk } from './memory-disk.ts';
import type { Random } from './random.ts';
import { SimProcess } from './sim-process.ts';
import { SimSystemd } from './sim-systemd.ts';
import { Road, StoreLink } from './store-link.ts';
import type { Trace } from './trace.ts';

/** What a computer is bought with. */
export interface ComputerParts {
  readonly id: MachineId;
  /** What the trace calls it, and its disk; the first digits of its id unless given. */
  readonly label?: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly ownUnits: ReadonlySet<UnitName>;
  /** What answers at the address of the store now. */
  readonly store: () => Store;
  readonly ttlMs: number;
  readonly brakeMs: number;
  readonly clock: ManualClock;
  readonly random: Random;
  readonly trace: Trace;
  readonly newIdentity: () => UnitIdentity;
  readonly witness: ComputerWitness;
}

/** A transaction that was carried out. */
export interface LandedWrite {
  readonly request: TxnRequest;
  /** Grows with the time it was asked for. */
  readonly number: number;
  readonly store: Store;
}

/** Who sees what happens on a computer. */
export interface ComputerWitness {
  asked(on: Computer, kind: 'start' | 'stop', unit: UnitName): void;
  began(on: Computer, unit: UnitName, text: string, by: 'job' | 'systemd'): void;
  landed(on: Computer, by: SimProcess, write: LandedWrite): void;
  daemonEnded(on: Computer, end: FleetdEnd): void;
}

interface Daemon {
  readonly process: SimProcess;
  readonly fleetd: Fleetd;
}

const limits = { stopMsMax: 6_000, shutdownMsMax: 20_000, restartMsMax: 3_000 } as const;

/** One computer of the cluster with its power button, its disk, its network and its daemon. */
export class Computer {
  readonly id: MachineId;
  readonly disk = new MemoryDisk();
  readonly road: Road;
  readonly systemd: SimSystemd;
  isOn = false;
  isDiskFull = false;
  /** How many times slower than usual everything is. */
  slowness = 1;
  bootId = '' as BootId;
  readonly #label: string;
  readonly #parts: ComputerParts;
  readonly #memory = { cluster: new ClusterFile(), revision: new RevisionFile() };
  #daemon: Daemon | null = null;
  #daemonCount = 0;
  #isScrapped = false;
  /** Grows with each press of the power button: what was to happen before it does not. */
  #powerNumber = 0;

  constructor(parts: ComputerParts) {
    this.#parts = parts;
    this.id = parts.id;
    this.#label = parts.label ?? parts.id.slice(0, 4);
    this.road = new Road(parts.random.fork());
    const { disk } = this;
    const { clock, ownUnits, witness } = parts;
    this.systemd = new SimSystemd({
      ...{ disk, clock, ownUnits, random: parts.random.fork() },
      witness: {
        asked: (kind, unit) => {
          this.#say(`asked to ${kind} ${unit}`);
          witness.asked(this, kind, unit);
        },
        began: (unit, text, by) => {
          this.#say(`began ${unit} by ${by}`);
          witness.began(this, unit, text, by);
        },
        ended: (unit) => this.#say(`ended ${unit}`),
      },
    });
  }

  /** It belonged to a cluster once. */
  get isMember(): boolean {
    return this.#memory.cluster.read() !== null;
  }

  /** The daemon that runs now; null when none does. */
  get fleetd(): Fleetd | null {
    return this.#daemon?.fleetd ?? null;
  }

  get process(): SimProcess | null {
    return this.#daemon?.process ?? null;
  }

  /** It stays dead for ever: without power, or on the wrong side of the network. */
  scrap(how: 'power' | 'network'): void {
    this.#isScrapped = true;
    if (how === 'power') this.cutPower();
    this.road.cutForEver();
  }

  powerOn(): void {
    if (this.isOn || this.#isScrapped) return;
    this.isOn = true;
    this.#powerNumber += 1;
    this.bootId = this.#parts.random.hex(32) as BootId;
    this.#say(`boots ${this.bootId.slice(0, 8)}`);
    this.#later(this.#parts.random.between(10, 2_000), () => this.#startFleetd());
  }

  cutPower(): void {
    if (!this.isOn) return;
    this.#say('power is cut');
    this.isOn = false;
    this.#powerNumber += 1;
    this.#killDaemon();
    this.systemd.vanish();
    this.disk.wipe('/run');
    this.#memory.revision.wipe();
    this.isDiskFull = false;
  }

  /** `poweroff`: units are stopped, the lease is given back, then it is off. */
  shutDown(): void {
    if (!this.isOn) return;
    this.#say('shuts down');
    this.systemd.shutDown();
    const endMs = this.#parts.clock.nowMs() + limits.shutdownMsMax;
    const look = (): void => {
      const isDone = this.systemd.running().size === 0;
      if (!isDone && this.#parts.clock.nowMs() < endMs) {
        this.#later(100, look);
        return;
      }
      this.#leave().catch((error: unknown) => {
        if (!(error instanceof FleetError)) throw error; // the lease will expire
      });
      this.#daemon?.fleetd.stop();
      this.#later(2_000, () => this.cutPower());
    };
    this.#later(100, look);
  }

  /** SIGKILL of the daemon; systemd starts it again. */
  crashFleetd(): void {
    if (this.#daemon === null) return;
    this.#say('fleetd crashes');
    this.#killDaemon();
    const pauseMs = this.#parts.random.between(100, limits.restartMsMax);
    this.#later(pauseMs, () => this.#startFleetd());
  }

  /** `systemctl restart fleet`. */
  restartFleetd(): void {
    const daemon = this.#daemon;
    if (daemon === null) return;
    this.#say('fleetd restarts');
    daemon.fleetd.stop();
    this.#later(limits.stopMsMax, () => {
      if (this.#daemon === daemon) this.crashFleetd();
    });
  }

  freezeFleetd(): void {
    this.#say('fleetd is frozen');
    this.#daemon?.process.freeze();
  }

  thawFleetd(): void {
    this.#say('fleetd goes on');
    this.#daemon?.process.thaw();
  }

  /** Ends everything without a word, when the run is over. */
  discard(): void {
    this.#powerNumber += 1;
    this.#killDaemon();
    this.systemd.vanish();
  }

  #startFleetd(): void {
    if (!this.isOn || this.#daemon !== null) return;
    this.#daemonCount += 1;
    const { clock, store, trace, witness } = this.#parts;
    const process = new SimProcess(clock);
    const log = trace.logger(`${this.#label}.${this.#daemonCount}`);
    const landed = (request: TxnRequest, number: number, to: Store): void =>
      witness.landed(this, process, { request, number, store: to });
    const fleetd = new Fleetd({
      ...{
        self: this.#self(),
        ttlMs: this.#parts.ttlMs,
        brakeMs: this.#parts.brakeMs,
        process,
        log,
        systemd: this.systemd,
      },
      store: new StoreLink({ store, road: this.road, clock, process, landed }),
      disk: diskOver(callsOn(this.disk, (needsRoom) => this.#diskTurn(process, needsRoom))),
      memory: this.#memory,
      newIdentity: this.#parts.newIdentity,
    });
    const daemon: Daemon = { process, fleetd };
    this.#daemon = daemon;
    void fleetd.run().then((end) => this.#ended(daemon, end)); // `run` never rejects
  }

  #ended(daemon: Daemon, end: FleetdEnd): void {
    this.#say(`fleetd ended: ${JSON.stringify(end)}`);
    this.#parts.witness.daemonEnded(this, end);
    if (this.#daemon !== daemon) return;
    this.#killDaemon();
    this.#later(this.#parts.random.between(100, 1_000), () => this.#startFleetd());
  }

  #killDaemon(): void {
    const process = this.#daemon?.process;
    this.#daemon = null;
    process?.kill();
    if (process !== undefined) this.systemd.forget(process);
    this.road.breakWatches();
  }

  async #diskTurn(process: SimProcess, needsRoom: boolean): Promise<void> {
    const { random } = this.#parts;
    await process.elapse(random.chance(0.9) ? 0 : random.between(0, 2) * this.slowness);
    if (needsRoom && this.isDiskFull) throw errno('ENOSPC');
  }

  #self(): Machine {
    const { id, metadata } = this.#parts;
    const address = `10.0.0.${Number.parseInt(id.slice(0, 2), 16)}`;
    const { bootId } = this;
    return { id, bootId, address, version: '1.0.0', metadata, leaving: false };
  }

  /** What fleet-leave.service does once every unit has stopped. */
  async #leave(): Promise<void> {
    const { store, clock } = this.#parts;
    const registry = this.#daemon?.fleetd.registry;
    if (registry === undefined) return;
    const process = new SimProcess(clock);
    const link = new StoreLink({ store, road: this.road, clock, process, landed: () => undefined });
    const { signal } = new AbortController();
    const key = registry.keys.machine(this.id);
    const item = (await readKeys(link, { keys: [key], revision: null }, signal)).items[0] ?? null;
    if (item?.leaseId && item.value.includes(this.bootId)) {
      await link.revokeLease(item.leaseId, signal);
    }
  }

  #later(ms: number, run: () => void): void {
    const number = this.#powerNumber;
    this.#parts.clock.after(ms, () => {
      if (number === this.#powerNumber) run();
    });
  }

  #say(what: string): void {
    this.#parts.trace.say(this.#label, what);
  }
}
