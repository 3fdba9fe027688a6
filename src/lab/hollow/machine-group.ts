import { type ChildProcess, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LabContext } from '../lab.ts';
import { labFailed } from '../trouble.ts';
import type { ActivePlace, HollowCounts, HollowOrder, HollowReport, HollowStart } from './words.ts';

type Told<Kind extends HollowReport['kind']> = Extract<HollowReport, { kind: Kind }>;

const nothing: HollowCounts = {
  ...{ registeredCount: 0, activeCount: 0, activeAtMs: 0, expiredCount: 0, expiredAtMs: 0 },
  ...{ requests: {}, residentBytes: 0, cpuMs: 0 },
};

/** One process of hollow machines, as seen from outside. */
class HollowChild {
  counts = nothing;
  readonly first: number;
  readonly #child: ChildProcess;
  readonly #listeners = new Set<(report: HollowReport) => void>();
  readonly #ended: Promise<void>;

  constructor(program: string, start: HollowStart, say: (line: string) => void) {
    this.first = start.firstNumber;
    this.#child = fork(program, [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: ['--max-semi-space-size=32'], // a thousand machines are no small daemon
    });
    this.#ended = new Promise((resolve) => {
      this.#child.once('exit', () => resolve());
      this.#child.once('error', () => resolve());
    });
    this.#child.on('message', (report: HollowReport) => {
      if (report.kind === 'counts') this.counts = report.counts;
      if (report.kind === 'warned') say(`a machine warns: ${report.message} ${report.fields}`);
      for (const listener of [...this.#listeners]) listener(report);
    });
    this.tell(start);
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  tell(order: HollowOrder): void {
    if (this.#child.connected) this.#child.send(order);
  }

  /** Tells it something and waits for the answer; null when it ends instead. */
  async ask<Kind extends HollowReport['kind']>(
    order: HollowOrder,
    kind: Kind,
  ): Promise<Told<Kind> | null> {
    const answered = new Promise<Told<Kind>>((resolve) => {
      const listener = (report: HollowReport): void => {
        if (report.kind !== kind) return;
        this.#listeners.delete(listener);
        resolve(report as Told<Kind>);
      };
      this.#listeners.add(listener);
    });
    this.tell(order);
    return await Promise.race([answered, this.#ended.then(() => null)]);
  }

  end(): Promise<void> {
    return this.#ended;
  }
}

/** All hollow machines of a run, whatever process they are in. */
export class MachineGroup {
  readonly #children: readonly HollowChild[];
  readonly #sizes: readonly number[];

  /** Starts `machineCount` machines, numbered from 1, in `processCount` processes. */
  constructor(
    context: LabContext,
    what: Omit<HollowStart, 'kind' | 'firstNumber' | 'count'> & {
      readonly machineCount: number;
      readonly processCount: number;
      readonly programs: string;
    },
  ) {
    const { machineCount, processCount, programs, ...start } = what;
    const program = join(programs, 'fleet-hollow.cjs');
    if (!existsSync(program)) throw labFailed(`${program} is not there`, 'npm run build');
    const each = Math.ceil(machineCount / processCount);
    const firsts = Array.from({ length: processCount }, (_, index) => 1 + index * each);
    const used = firsts.filter((first) => first <= machineCount);
    this.#sizes = used.map((first) => Math.min(each, machineCount + 1 - first));
    this.#children = used.map((firstNumber, index) => {
      const count = this.#sizes[index] ?? 0;
      return new HollowChild(program, { kind: 'start', ...start, firstNumber, count }, context.say);
    });
  }

  /** All processes together. Throws `lab/failed` when one of them has ended. */
  counts(): HollowCounts {
    if (this.#children.some((child) => child.hasEnded)) {
      throw labFailed('a process of hollow machines has ended', 'see above for its last words');
    }
    const all = this.#children.map(({ counts }) => counts);
    const sum = (pick: (one: HollowCounts) => number): number =>
      all.reduce((total, one) => total + pick(one), 0);
    const last = (pick: (one: HollowCounts) => number): number => Math.max(...all.map(pick));
    const requests: Record<string, number> = {};
    for (const [kind, count] of all.flatMap((one) => Object.entries(one.requests))) {
      requests[kind] = (requests[kind] ?? 0) + count;
    }
    return {
      registeredCount: sum((one) => one.registeredCount),
      activeCount: sum((one) => one.activeCount),
      activeAtMs: last((one) => one.activeAtMs),
      // Each process sees only what became of its own machines.
      expiredCount: sum((one) => one.expiredCount),
      expiredAtMs: last((one) => one.expiredAtMs),
      requests,
      residentBytes: sum((one) => one.residentBytes),
      cpuMs: sum((one) => one.cpuMs),
    };
  }

  /** Cuts the power of the first `count` machines, spread over all processes. */
  async fail(count: number): Promise<{ readonly lostCount: number; readonly atMs: number }> {
    const victims = this.#children.map((): number[] => []);
    for (let nth = 0; nth < count; nth += 1) {
      const index = nth % this.#children.length;
      const offset = Math.floor(nth / this.#children.length);
      victims[index]?.push((this.#children[index]?.first ?? 0) + offset);
    }
    const told = await Promise.all(
      this.#children.map((child, index) =>
        child.ask({ kind: 'fail', numbers: victims[index] ?? [] }, 'failed'),
      ),
    );
    const lostCount = told.reduce((sum, one) => sum + (one?.lostCount ?? 0), 0);
    return { lostCount, atMs: Math.max(...told.map((one) => one?.atMs ?? 0)) };
  }

  /** Every unit that is active, with its machine. */
  async list(): Promise<readonly ActivePlace[]> {
    const told = await Promise.all(
      this.#children.map((child) => child.ask({ kind: 'list' }, 'listed')),
    );
    return told.flatMap((one) => one?.places ?? []);
  }

  /** Gives every lease back; returns how many etcd did not take. */
  async leave(): Promise<number> {
    const told = await Promise.all(
      this.#children.map((child) => child.ask({ kind: 'leave' }, 'left')),
    );
    await Promise.all(this.#children.map((child) => child.end()));
    return told.reduce((sum, one, at) => sum + (one?.keptCount ?? this.#sizes[at] ?? 0), 0);
  }
}
