import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { rest, systemClock } from '../../lib/clock.ts';
import type { LabContext } from '../lab.ts';
import { labFailed } from '../trouble.ts';
import { throwIfInterrupted } from '../until.ts';
import { endCompanion } from './companion.ts';
import { EtcdGateway } from './etcd-gateway.ts';
import { type Leader, leaseLeftBy, startLeader } from './leader.ts';
import { MachineGroup } from './machine-group.ts';
import { startOwnEtcd } from './own-etcd.ts';
import { faultsIn } from './placed.ts';
import { type HollowResult, type Loss, type Phase, type Rest, restLine } from './result.ts';
import { submitUnits } from './submit.ts';
import { readUsage, type Usage, usedBetween } from './usage.ts';
import type { HollowCounts } from './words.ts';

const limits = {
  /** Between two looks at how far it is. */
  lookMs: 20,
  /** Between two lines about it. */
  sayMs: 2_000,
  /** What is not as it should be may take so long to become so. */
  settledMs: 30_000,
  /** Without any progress for this long, it is given up. */
  stuckMs: 120_000,
} as const;

/** What `fleetlab hollow` is asked for. */
export interface HollowOptions {
  readonly machineCount: number;
  readonly processCount: number;
  readonly unitCount: number;
  /** Machines whose power is cut once all units are active. */
  readonly failCount: number;
  /** fleetd processes that lead, or wait to. */
  readonly leaderCount: number;
  /** Empty: an etcd of its own. */
  readonly endpoints: readonly string[];
  readonly keyPrefix: string;
  readonly agentTtl: string;
  readonly ttlMs: number;
}

/** A cluster of hollow machines, from its first process to its last. */
export class HollowRun {
  readonly #context: LabContext;
  readonly #options: HollowOptions;
  readonly #folder = mkdtempSync(join(tmpdir(), 'fleetlab-hollow-'));
  readonly #programs = dirname(process.argv[1] ?? '');
  readonly #signal: AbortSignal;
  readonly #leaders: Leader[] = [];
  #endpoints: readonly string[];
  #etcd: ChildProcess | null = null;
  #isPrefixOurs = false;
  #machines: MachineGroup | null = null;

  constructor(context: LabContext, options: HollowOptions) {
    this.#context = context;
    this.#options = options;
    this.#endpoints = options.endpoints;
    this.#signal = context.signal ?? new AbortController().signal;
    process.once('exit', this.#removeFolder);
  }

  /** Everything that was asked for, in order. Throws `lab/failed`; call `end` in any case. */
  async run(): Promise<HollowResult> {
    const { machineCount, unitCount, failCount, agentTtl } = this.#options;
    await this.#begin();
    const registered = await this.#register();
    const started = unitCount === 0 ? null : await this.#startUnits();
    const lost = failCount === 0 ? null : await this.#lose();
    const resting = await this.#rest();
    const faults = await this.#faults();
    return { machineCount, unitCount, agentTtl, registered, started, lost, resting, faults };
  }

  /** Says now and then what it costs, until somebody presses Ctrl-C. */
  async stay(): Promise<void> {
    this.#context.say('Ctrl-C ends it, and gives every lease back');
    while (!this.#signal.aborted) {
      const resting = await this.#measured(() => this.#pause(this.#options.ttlMs)).catch(
        () => null,
      );
      if (resting === null || this.#signal.aborted) return;
      const { registeredCount } = this.#group.counts();
      this.#context.say(restLine(registeredCount, this.#restOf(resting)));
    }
  }

  /** Leases are given back, processes end, and nothing is left on disk. */
  async end(): Promise<void> {
    const keptCount = (await this.#machines?.leave()) ?? 0;
    if (keptCount > 0) this.#context.say(`${keptCount} leases were not given back: they expire`);
    await Promise.all(this.#leaders.map((leader) => endCompanion(leader.process)));
    if (this.#etcd !== null) await endCompanion(this.#etcd);
    else if (this.#isPrefixOurs) await this.#clearPrefix();
    this.#removeFolder();
    process.off('exit', this.#removeFolder);
  }

  /** Also when somebody presses Ctrl-C twice. */
  readonly #removeFolder = (): void => rmSync(this.#folder, { recursive: true, force: true });

  get #group(): MachineGroup {
    if (this.#machines === null) throw new Error('the machines were not started');
    return this.#machines;
  }

  async #begin(): Promise<void> {
    const { leaderCount, keyPrefix, agentTtl, ttlMs, machineCount, processCount } = this.#options;
    if (this.#endpoints.length === 0) {
      const { endpoint, process } = await startOwnEtcd(this.#folder, this.#signal);
      this.#etcd = process;
      this.#endpoints = [endpoint];
    }
    await this.#claimPrefix();
    const endpoints = this.#endpoints;
    this.#context.say(`etcd at ${endpoints.join(', ')}, keys below ${keyPrefix}`);
    const idStart = randomBytes(8).toString('hex');
    const programs = this.#programs;
    for (let number = 1; number <= leaderCount; number += 1) {
      const folder = join(this.#folder, `fleetd-${number}`);
      const machineId = `${idStart}f${String(number).padStart(15, '0')}`;
      const options = { folder, machineId, endpoints, keyPrefix, agentTtl, programs };
      const leader = await startLeader(options, this.#signal);
      this.#leaders.push(leader);
      this.#context.say(`fleetd ${number} of ${leaderCount} at ${leader.url}`);
    }
    this.#machines = new MachineGroup(this.#context, {
      ...{ endpoints, keyPrefix, ttlMs, idStart, machineCount, processCount, programs },
    });
  }

  /** What is there already is somebody's, and is neither used nor deleted. */
  async #claimPrefix(): Promise<void> {
    const { keyPrefix } = this.#options;
    const count = await this.#gateway.countKeys(keyPrefix);
    if (count > 0) {
      throw labFailed(
        `${count} keys below ${keyPrefix} are there already`,
        `give another --key-prefix, or: etcdctl del --prefix ${keyPrefix}`,
      );
    }
    this.#isPrefixOurs = true;
  }

  /** A fleetd that ends leaves its lease to the next one, and there is none. */
  async #clearPrefix(): Promise<void> {
    for (const leader of this.#leaders) {
      const leaseId = leaseLeftBy(leader);
      if (leaseId !== null) await this.#gateway.revokeLease(leaseId);
    }
    await this.#gateway.deleteKeys(this.#options.keyPrefix);
  }

  get #gateway(): EtcdGateway {
    return new EtcdGateway(this.#endpoints[0] ?? '');
  }

  async #register(): Promise<Phase> {
    const { machineCount } = this.#options;
    const what = `${machineCount} machines registered`;
    const phase = await this.#measured(() =>
      this.#until(what, ({ registeredCount }) => machineCount - registeredCount),
    );
    return { what, ...phase };
  }

  async #startUnits(): Promise<Phase & { readonly submittedMs: number }> {
    const { unitCount } = this.#options;
    const what = `${unitCount} units active`;
    const urls = this.#leaders.map(({ url }) => url);
    const span = { beganAtMs: 0, submittedMs: 0 };
    const phase = await this.#measured(async () => {
      const [submitted] = await Promise.all([
        submitUnits(urls, unitCount, this.#signal),
        this.#until(what, ({ activeCount }) => Math.abs(unitCount - activeCount)),
      ]);
      span.beganAtMs = submitted.beganAtMs;
      span.submittedMs = submitted.endedAtMs - submitted.beganAtMs;
    });
    const tookMs = this.#group.counts().activeAtMs - span.beganAtMs;
    return { what, ...phase, tookMs, submittedMs: span.submittedMs };
  }

  async #lose(): Promise<Loss> {
    const { unitCount, failCount } = this.#options;
    const what = `${failCount} machines lost at once`;
    const cut = { lostCount: 0, atMs: 0 };
    const phase = await this.#measured(async () => {
      Object.assign(cut, await this.#group.fail(failCount));
      await this.#until(
        what,
        ({ expiredCount, activeCount }) =>
          Math.abs(failCount - expiredCount) + Math.abs(unitCount - activeCount),
      );
    });
    const { expiredAtMs, activeAtMs } = this.#group.counts();
    const times = { expiredMs: expiredAtMs - cut.atMs, recoveredMs: activeAtMs - expiredAtMs };
    return { what, ...phase, ...times, lostUnitCount: cut.lostCount };
  }

  async #rest(): Promise<Rest> {
    return this.#restOf(await this.#measured(() => this.#pause(this.#options.ttlMs)));
  }

  #restOf(phase: Measured): Rest {
    const { etcd, residentBytes } = phase.after;
    return {
      ...{ what: 'at rest', ...phase, databaseBytes: etcd.databaseBytes },
      residentBytes: { etcd: etcd.residentBytes, ...residentBytes },
    };
  }

  /** A copy that comes back with its machine is there beside the new one, until it is told to go. */
  async #faults(): Promise<readonly string[]> {
    const beganAtMs = systemClock.nowMs();
    for (;;) {
      const faults = faultsIn(await this.#group.list(), this.#options.unitCount);
      const isOver = systemClock.nowMs() - beganAtMs > limits.settledMs;
      if (faults.length === 0 || isOver) return faults;
      await this.#pause(limits.lookMs);
    }
  }

  async #pause(ms: number): Promise<void> {
    await rest(ms, systemClock, this.#signal);
    throwIfInterrupted(this.#signal);
  }

  /** What everybody used while something ran. */
  async #measured(run: () => Promise<void>): Promise<Measured> {
    const sources = {
      endpoints: this.#endpoints,
      fleetds: this.#leaders.flatMap(({ process }) => process.pid ?? []),
      machines: this.#group,
    };
    const before = await readUsage(sources);
    const beganAtMs = systemClock.nowMs();
    await run();
    const tookMs = systemClock.nowMs() - beganAtMs;
    const after = await readUsage(sources);
    return { tookMs, after, ...usedBetween(before, after) };
  }

  /** Waits until nothing is left to come, or to go where there are too many. */
  async #until(what: string, leftOf: (counts: HollowCounts) => number): Promise<void> {
    let least = Number.POSITIVE_INFINITY;
    let [movedAtMs, saidAtMs] = [systemClock.nowMs(), systemClock.nowMs()];
    for (;;) {
      throwIfInterrupted(this.#signal);
      const left = leftOf(this.#group.counts());
      const nowMs = systemClock.nowMs();
      if (left === 0) return this.#context.say(what);
      if (left < least) movedAtMs = nowMs;
      least = Math.min(left, least);
      if (nowMs - movedAtMs > limits.stuckMs) {
        throw labFailed(
          `${what}: ${left} to go, and none came for ${limits.stuckMs / 1_000} s`,
          'etcd or this computer may carry no more: try fewer machines, or look at etcd',
        );
      }
      if (nowMs - saidAtMs > limits.sayMs) {
        this.#context.say(`${what}: ${left} to go`);
        saidAtMs = nowMs;
      }
      await rest(limits.lookMs, systemClock, this.#signal);
    }
  }
}

type Measured = Omit<Phase, 'what'> & { readonly after: Usage };
