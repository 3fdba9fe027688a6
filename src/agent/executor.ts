import { FleetError } from '../lib/error.ts';
import { invariant } from '../lib/invariant.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import {
  type Executors,
  execute,
  executors,
  type Hands,
  makeLinks,
  requireFresh,
  whyNotStart,
} from './executors.ts';
import { Gate } from './gate.ts';
import { agentLimits } from './limits.ts';
import { isStale, isUnloadable } from './observe.ts';
import { refused } from './refusal.ts';
import { startOrder } from './start-order.ts';
import { isJob, stageOf, type Task, taskStages, type UnitPlan } from './task.ts';

/** What the loop is told. */
export interface ExecutorEvents {
  /** A task failed; the rest of its unit's tasks was left undone. */
  failed(task: Task, error: FleetError): void;
  /** The jobs of a unit ended, and the tasks after them; `isDone`: all of them, and well. */
  ended(unit: UnitName, last: Task['kind'], isDone: boolean): void;
}

interface Job {
  kind: 'start' | 'stop';
  readonly controller: AbortController;
  /** Settles when nothing of it runs any more; never rejects. */
  done: Promise<void>;
}

/**
 * Carries plans out. Quick tasks of all units go stage by stage, so that every file of a batch is
 * on disk and known to systemd before the first start; jobs then run on by themselves. What fails
 * ends the tasks of its own unit and of no other.
 */
export class Executor {
  readonly #hands: Hands;
  readonly #events: ExecutorEvents;
  readonly #executors: Executors;
  readonly #jobs = new Map<UnitName, Job>();
  readonly #gate = new Gate(agentLimits.filesCountMax);
  readonly #signal: AbortSignal;

  constructor(hands: Hands, events: ExecutorEvents, signal: AbortSignal) {
    this.#hands = hands;
    this.#events = events;
    this.#executors = executors(hands);
    this.#signal = signal;
  }

  /** The units that have a job of ours now, and which. */
  busy(): ReadonlyMap<UnitName, 'start' | 'stop'> {
    return new Map([...this.#jobs].map(([unit, { kind }]) => [unit, kind]));
  }

  /**
   * Does the quick tasks and begins the jobs; never rejects but for broken invariants. Gives the
   * units whose jobs began: they were looked at after all quick tasks.
   */
  async carryOut(plans: readonly UnitPlan[]): Promise<ReadonlySet<UnitName>> {
    const failed = new Set<UnitName>();
    const quick = plans.flatMap(({ tasks }) => tasks.slice(0, firstJob(tasks)));
    for (const stage of taskStages.keys()) {
      const tasks = quick.filter((task) => stageOf(task) === stage && !failed.has(task.unit));
      await this.#runStage(tasks, failed);
    }
    const withJobs = plans.filter(
      ({ unit, tasks }) => firstJob(tasks) < tasks.length && !failed.has(unit),
    );
    const checked = await this.#check(withJobs, failed);
    for (const plan of await this.#ordered(checked)) this.#begin(plan);
    return new Set(checked.map(({ unit }) => unit));
  }

  /** Waits for what runs on after the session's signal was aborted. */
  async settled(): Promise<void> {
    await Promise.all([...this.#jobs.values()].map((job) => job.done));
  }

  async #runStage(tasks: readonly Task[], failed: Set<UnitName>): Promise<void> {
    const kind = tasks[0]?.kind;
    if (kind === 'link' && tasks.length > 1 && (await this.#linkAll(tasks))) return;
    if (kind === 'reload' || kind === 'install') return await this.#reloadAll(tasks, failed);
    await Promise.all(
      tasks.map((task) =>
        this.#gate.run(() =>
          this.#guarded(task, failed, () => execute(this.#executors, task, this.#signal)),
        ),
      ),
    );
  }

  /** One call for all; false when systemd refused, and each has to be tried alone. */
  async #linkAll(tasks: readonly Task[]): Promise<boolean> {
    try {
      const { systemd, files } = this.#hands;
      await systemd.linkRuntime(tasks.map((task) => files.path(task.unit)));
      return true;
    } catch (error) {
      if (error instanceof FleetError) return false;
      throw error;
    }
  }

  /** Makes the links of [Install] sections, then one reload for all that need it; often none. */
  async #reloadAll(tasks: readonly Task[], failed: Set<UnitName>): Promise<void> {
    const needing = new Set<Task>(tasks.filter(({ kind }) => kind === 'reload'));
    await Promise.all(
      tasks.map((task) =>
        this.#gate.run(() =>
          this.#guarded(task, failed, async () => {
            const isNews = task.kind === 'install' && (await makeLinks(this.#hands, task.unit));
            if (isNews) needing.add(task);
          }),
        ),
      ),
    );
    const waiting = [...needing].filter(({ unit }) => !failed.has(unit));
    if (waiting.length === 0) return;
    const reload = this.#reload([...new Set(waiting.map(({ unit }) => unit))]);
    await Promise.all(
      waiting.map((task) =>
        this.#guarded(task, failed, async () => {
          await reload;
          if (task.kind === 'install') await this.#hands.files.installed(task.unit);
          else requireFresh(this.#hands.view, task.unit);
        }),
      ),
    );
  }

  async #reload(units: readonly UnitName[]): Promise<void> {
    const { systemd, view, log } = this.#hands;
    log.info({ units: units.slice(0, 10), count: units.length }, 'asked systemd to reload');
    await systemd.reload();
    await view.look(units);
  }

  /** Looks once more at all units that are to get a job (invariants 8 and 11). */
  async #check(plans: readonly UnitPlan[], failed: Set<UnitName>): Promise<readonly UnitPlan[]> {
    if (plans.length === 0) return [];
    const { view } = this.#hands;
    const units = plans.map(({ unit }) => unit);
    const starting = plans.filter(({ tasks }) => tasks.some(({ kind }) => kind === 'start'));
    const looked = this.#look(units, starting).then(() => this.#neighbours(starting));
    await Promise.all(
      plans.map(({ tasks }) => {
        const task = tasks[firstJob(tasks)];
        invariant(task !== undefined, '9', 'a plan with a job has none');
        return this.#guarded(task, failed, async () => {
          const requireNoConflict = await looked;
          for (const each of tasks) requireAllowed(view, each);
          if (task.kind === 'start') requireNoConflict(task.unit);
        });
      }),
    );
    return plans.filter(({ unit }) => !failed.has(unit));
  }

  /** What throws for a unit that does not get along with one that is here (invariant 12). */
  async #neighbours(starting: readonly UnitPlan[]): Promise<(unit: UnitName) => void> {
    if (starting.length === 0) return () => undefined;
    const { neighbours, view, ledger } = this.#hands;
    const jobs = [...this.#jobs].filter(([, { kind }]) => kind === 'start').map(([unit]) => unit);
    return await neighbours.look(view, ledger.orderBook(), new Set(jobs));
  }

  async #look(units: readonly UnitName[], starting: readonly UnitPlan[]): Promise<void> {
    const { view } = this.#hands;
    await view.look(units);
    const stale = starting
      .map(({ unit }) => unit)
      .filter((unit) => {
        const actual = view.actual(unit, null);
        return actual !== undefined && isStale(actual);
      });
    if (stale.length > 0) await this.#reload(stale);
  }

  /** Stops first, then starts, those that others wait for before the others. */
  async #ordered(plans: readonly UnitPlan[]): Promise<readonly UnitPlan[]> {
    const isStart = ({ tasks }: UnitPlan): boolean => tasks[firstJob(tasks)]?.kind === 'start';
    const starts = new Map(plans.filter(isStart).map((plan) => [plan.unit, plan]));
    const stops = plans.filter((plan) => !isStart(plan));
    if (starts.size < 2) return [...stops, ...starts.values()];
    const texts = await Promise.all(
      [...starts.keys()].map(async (unit) => {
        const text = await this.#hands.files.readText(unit).catch(() => null);
        return [unit, text ?? ''] as const; // unreadable now: only not ordered
      }),
    );
    const order = startOrder(new Map(texts));
    return [...stops, ...order.flatMap((unit) => starts.get(unit) ?? [])];
  }

  /** Begins a unit's job and what follows it; takes the place of a start that still runs. */
  #begin({ unit, tasks }: UnitPlan): void {
    const first = tasks[firstJob(tasks)];
    invariant(first !== undefined, '9', `${unit} has no job to begin`);
    const before = this.#jobs.get(unit);
    before?.controller.abort(new Error('another order came'));
    const kind = first.kind === 'stop' ? 'stop' : 'start';
    const job: Job = { kind, controller: new AbortController(), done: Promise.resolve() };
    this.#jobs.set(unit, job);
    job.done = this.#run(job, tasks.slice(firstJob(tasks)), before?.done);
  }

  async #run(job: Job, tasks: readonly Task[], before?: Promise<void>): Promise<void> {
    await before;
    const last = tasks.at(-1);
    const signal = AbortSignal.any([job.controller.signal, this.#signal]);
    const failed = new Set<UnitName>();
    for (const task of tasks) {
      if (failed.size > 0 || signal.aborted) break;
      if (task.kind === 'start' && whyNotStart(this.#hands, task) !== null) failed.add(task.unit);
      if (failed.size > 0) break;
      if (isJob(task)) job.kind = task.kind === 'stop' ? 'stop' : 'start';
      await this.#guarded(task, failed, () => execute(this.#executors, task, signal), signal);
    }
    if (last === undefined || this.#jobs.get(last.unit) !== job) return;
    this.#jobs.delete(last.unit);
    if (!this.#signal.aborted) this.#events.ended(last.unit, last.kind, failed.size === 0);
  }

  /** Runs `work`; a trouble of its unit is told and remembered in `failed`. */
  async #guarded(
    task: Task,
    failed: Set<UnitName>,
    work: () => Promise<void>,
    signal: AbortSignal = this.#signal,
  ): Promise<void> {
    try {
      await work();
    } catch (error) {
      failed.add(task.unit);
      if (signal.aborted) return; // given up on purpose, or the connection is over
      if (!(error instanceof FleetError)) throw error;
      this.#events.failed(task, error);
    }
  }
}

function firstJob(tasks: readonly Task[]): number {
  const index = tasks.findIndex(isJob);
  return index === -1 ? tasks.length : index;
}

/** We touch only what is ours, and start only the text that was ordered. */
function requireAllowed(view: Hands['view'], task: Task): void {
  if (!isJob(task)) return;
  const actual = view.actual(task.unit, null);
  if (actual === undefined) throw refused(`${task.unit} could not be looked at`);
  const { owner, disk, status } = actual;
  if (owner.kind === 'other') throw refused(`name taken by ${owner.where}`);
  if (task.kind !== 'start') return;
  if (isUnloadable(actual)) throw refused(`${status.load}: ${status.loadError}`);
  if (disk.contentHash !== task.order.contentHash) {
    throw refused('the file on disk is not the text that was ordered');
  }
  requireFresh(view, task.unit);
}
