import type { UnitIdentity } from '../../src/model/ids.ts';
import { MemoryStore } from '../../src/registry/memory-store.ts';
import type { Store } from '../../src/registry/store.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';
import { machineId, named } from '../builders/cluster.ts';
import { ManualClock } from '../builders/manual-clock.ts';
import { Checks } from './checks.ts';
import { Computer } from './computer.ts';
import { StoreAddress } from './decoy.ts';
import { endFaults, type FaultParts, faultNames, strike } from './faults.ts';
import { Garbage } from './garbage.ts';
import { type Deed, deedWords, doDeed, drawDeed } from './operator.ts';
import { Random } from './random.ts';
import { whyUnsettled } from './settled.ts';
import { SimProcess } from './sim-process.ts';
import { Trace, Violations } from './trace.ts';
import { type Action, actionWords, drawAction, drawTastes, perform, type Tastes } from './user.ts';
import { Witness } from './witness.ts';

/** What a cluster is drawn with. */
export interface ClusterOptions {
  readonly seed: number;
  /** Sees each line of the trace as it comes. */
  readonly tell?: (line: string) => void;
  /** At most so many machines, 2 at least. */
  readonly machinesMax?: number;
}

/** How a run went. */
export interface RunOutcome {
  readonly seed: number;
  /** The same for two runs that did the same. */
  readonly digest: string;
  /** Promises that were broken; nothing when all is well. */
  readonly violations: readonly string[];
  readonly lastLines: readonly string[];
  readonly virtualMs: number;
  /** How long after the last fault everything was as it should be. */
  readonly settledMs: number;
}

const limits = {
  /** A hand-over that does not come about takes five minutes, retries up to one. */
  settleMsMax: 8 * 60_000,
  lookMs: 1_000,
  /** Steps at one moment; more is a loop that never waits. */
  stepsMax: 20_000,
} as const;

/** A whole cluster in memory. */
export class SimCluster {
  readonly clock = new ManualClock();
  readonly random: Random;
  readonly trace: Trace;
  readonly violations: Violations;
  readonly etcd = new SimProcess(this.clock);
  readonly store = new MemoryStore(this.etcd);
  readonly witness = new Witness(this.store, this.clock);
  readonly address = new StoreAddress(this.store, this.witness, this.clock);
  readonly garbage: Garbage;
  readonly computers: readonly Computer[];
  readonly ttlMs: number;
  readonly brakeMs: number;
  readonly tastes: Tastes;
  readonly #checks: Checks;

  constructor({ seed, tell, machinesMax = 5 }: ClusterOptions) {
    this.random = new Random(seed);
    this.trace = new Trace(this.clock, tell ?? null);
    this.trace.say('sim', `seed ${seed}`);
    this.garbage = new Garbage(this.store, this.witness, this.trace);
    this.violations = new Violations(this.trace);
    this.ttlMs = this.random.pick([3_000, 5_000, 10_000]);
    this.brakeMs = [60_000, 20_000, 5_000, 0][seed % 4] ?? 0;
    const checks = new Checks({
      ...{ clock: this.clock, witness: this.witness, violations: this.violations },
      computers: () => this.computers,
      store: this.store,
    });
    this.#checks = checks;
    const zones = ['zone=a', 'zone=b'];
    this.tastes = drawTastes(this.random, this.random.chance(0.5) ? zones : []);
    const count = this.random.between(2, machinesMax);
    this.computers = Array.from({ length: count }, (_, index) => this.#computer(index + 1, checks));
    this.trace.say(
      'sim',
      `${count} machines, ttl ${this.ttlMs}, brake ${this.brakeMs}, ${this.tastes.unitNames.join()}`,
    );
  }

  /** Goes on for `ms`; stops early when a promise was broken. */
  async pass(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    let [atMs, stepCount] = [this.clock.nowMs(), 0];
    while (this.violations.found.length === 0 && (await this.clock.step(endMs))) {
      stepCount = this.clock.nowMs() === atMs ? stepCount + 1 : 0;
      atMs = this.clock.nowMs();
      if (stepCount > limits.stepsMax) this.violations.add('liveness', 'time stands still');
    }
  }

  /** A user asks some daemon for something; `done` is told what came of it, if anything did. */
  act(action: Action, done: (outcome: string) => void = () => undefined): void {
    const running = this.computers.flatMap(({ fleetd }) => (fleetd === null ? [] : [fleetd]));
    if (running.length === 0) return;
    const { catalog } = this.random.pick(running).registry;
    const words = actionWords(action);
    this.trace.say('user', words);
    perform(catalog, action, new AbortController().signal).then(
      (outcome) => {
        this.trace.say('user', `${words.slice(0, 40)}: ${outcome}`);
        done(outcome);
      },
      (error: unknown) => this.violations.add('bug', `${words}: ${String(error)}`),
    );
  }

  /** Somebody does what concerns the cluster, if there is anything to do it to. */
  operate(deed: Deed | null): void {
    const running = this.computers.flatMap(({ fleetd }) => (fleetd === null ? [] : [fleetd]));
    if (running.length === 0 || deed === null) return;
    const { catalog } = this.random.pick(running).registry;
    const words = deedWords(deed);
    this.trace.say('operator', words);
    const pardon = (keys: readonly string[]): void => this.#checks.pardon(keys);
    doDeed({ catalog, store: this.store, pardon }, deed).then(
      (outcome) => this.trace.say('operator', `${words}: ${outcome}`),
      (error: unknown) => this.violations.add('bug', `${words}: ${String(error)}`),
    );
  }

  /** Waits until `core` is as it should be; how long that took, or a violation. */
  async settle(core: readonly Computer[]): Promise<number> {
    const beganMs = this.clock.nowMs();
    let problems: readonly string[] = ['nothing was looked at'];
    while (this.clock.nowMs() - beganMs < limits.settleMsMax) {
      await this.pass(limits.lookMs);
      if (this.violations.found.length > 0) return 0;
      problems = whyUnsettled(this.witness.picture(), core);
      const quietMs = this.clock.nowMs() - this.witness.changedMs;
      if (problems.length === 0 && quietMs >= limits.lookMs) {
        return this.clock.nowMs() - beganMs - limits.lookMs;
      }
    }
    const story = problems.slice(0, 5).join('; ') || 'the store never came to rest';
    this.violations.add('liveness', story);
    return 0;
  }

  /** Ends it and says how it went. */
  end(seed: number, settledMs: number): RunOutcome {
    if (this.witness.isBlind) this.violations.add('bug', 'the witness saw nothing any more');
    for (const computer of this.computers) computer.discard();
    this.store.close();
    return {
      ...{ seed, settledMs, digest: this.trace.digest(), virtualMs: this.clock.nowMs() },
      violations: this.violations.found,
      lastLines: this.trace.last,
    };
  }

  #computer(number: number, checks: Checks): Computer {
    const { random, clock, ttlMs, brakeMs, trace } = this;
    const store = (): Store => this.address.store;
    const metadata = new Map([['zone', random.pick(['a', 'b'])]]);
    const ownUnits = new Set<UnitName>(random.chance(0.2) ? [named('cache')] : []);
    return new Computer({
      ...{ id: machineId(number), metadata, ownUnits, store, clock, ttlMs, brakeMs, trace },
      ...{ random: random.fork(), witness: checks },
      newIdentity: () => random.hex(32) as UnitIdentity,
    });
  }
}

/**
 * One run. While faults happen every promise is checked at every step; then they end, some
 * machines stay dead for ever, and the rest has to settle.
 */
export async function simulate(
  options: ClusterOptions & { readonly faultyMs: number },
): Promise<RunOutcome> {
  const cluster = new SimCluster(options);
  const { random, computers, clock } = cluster;
  const faults: FaultParts = { ...cluster, random: random.fork() };
  const kinds = random.some(faultNames, 0.5);
  const pauses = { faultMs: random.pick([5_000, 20_000]), userMs: random.pick([500, 5_000]) };
  for (const computer of computers) computer.powerOn();
  const endMs = options.faultyMs;
  const again = (ms: number, run: () => void): void => {
    const next = clock.nowMs() + random.between(1, 2 * ms);
    if (next >= endMs) return;
    clock.after(next - clock.nowMs(), () => {
      run();
      again(ms, run);
    });
  };
  again(pauses.userMs, () => cluster.act(drawAction(random, cluster.tastes)));
  const machines = computers.map(({ id }) => id);
  const draw = (): Deed | null => {
    return drawDeed(random, cluster.witness, { tastes: cluster.tastes, machines });
  };
  if (random.chance(0.6)) again(3 * pauses.userMs, () => cluster.operate(draw()));
  if (kinds.length > 0) again(pauses.faultMs, () => strike(faults, random.pick(kinds)));
  await cluster.pass(endMs);
  const core = heal(cluster, faults);
  const settledMs = cluster.violations.found.length > 0 ? 0 : await cluster.settle(core);
  return cluster.end(options.seed, settledMs);
}

/** Ends the faults but for machines that stay dead; returns the others. */
function heal(cluster: SimCluster, faults: FaultParts): readonly Computer[] {
  const { random, computers, trace } = cluster;
  const deadCount = random.chance(0.5) ? random.between(0, computers.length - 1) : 0;
  const dead = computers.slice(0, deadCount);
  const core = computers.slice(deadCount);
  trace.say('sim', `faults end, ${deadCount} machines are dead for ever`);
  endFaults(faults);
  for (const computer of dead) {
    if (random.chance(0.5)) computer.scrap('power');
    else computer.scrap('network');
  }
  for (const computer of core) {
    computer.powerOn();
    computer.systemd.isCalm = true;
  }
  return core;
}
