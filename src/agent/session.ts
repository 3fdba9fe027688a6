import { rest } from '../lib/clock.ts';
import type { FleetError } from '../lib/error.ts';
import { orAbort } from '../lib/or-abort.ts';
import type { OrderBook } from '../model/ledger.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { AgentMemory, AgentOptions } from './agent-parts.ts';
import { unavailable } from './dbus-error.ts';
import { Executor } from './executor.ts';
import { FailureWords } from './failure-words.ts';
import { agentLimits } from './limits.ts';
import { MachineView } from './machine-view.ts';
import { Neighbours } from './neighbours.ts';
import { type ActualUnit, isGone } from './observe.ts';
import type { OrphanText } from './orphan-text.ts';
import { OrphanWatch } from './orphan-watch.ts';
import { planMachine } from './plan.ts';
import { reportOf } from './report.ts';
import { nextRetry, retryKey } from './retry.ts';
import type { Systemd, SystemdEvents } from './systemd.ts';
import { isJob, type MachinePlan, type Task } from './task.ts';

/** Work over one connection to systemd: look, plan, report, act, and wait for the next event. */
export class AgentSession {
  readonly #options: AgentOptions;
  readonly #memory: AgentMemory;
  readonly #over = new AbortController();
  /** Units of which something is on disk, with an order or without. */
  readonly #onDisk = new Set<UnitName>();
  /** Each order as it was at the last pass: another one is worth a fresh look. */
  readonly #orderKeys = new Map<UnitName, string>();
  #notedOrders: OrderBook['orders'] | null = null;
  /** Units whose files cannot be read, as last logged. */
  readonly #unreadable = new Set<UnitName>();
  readonly #orphans: OrphanWatch;
  #view: MachineView | null = null;
  #words: FailureWords | null = null;
  #isLeaving = false;
  #lost: FleetError | null = null;

  constructor(options: AgentOptions, memory: AgentMemory) {
    this.#options = options;
    this.#memory = memory;
    this.#orphans = new OrphanWatch(memory.files, options.log);
  }

  /**
   * Connects and works until `signal` aborts, or throws FleetError when the connection is lost.
   * Calls `connected` once everything was looked at.
   */
  async run(connected: () => void, signal: AbortSignal): Promise<void> {
    const connecting = this.#options.connect(this.#events());
    const systemd = await orAbort(connecting, signal).catch((error: unknown) => {
      // A connection that comes too late is ended as soon as it is there.
      connecting.then((late) => late.close()).catch(() => 'it never came');
      throw signal.aborted ? unavailable('fleetd ends', error) : error;
    });
    const end = (): void => this.#over.abort(signal.reason);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    const parts = [this.#work(systemd, connected), this.#keepAsking(systemd)];
    try {
      await Promise.all(parts);
    } finally {
      signal.removeEventListener('abort', end);
      this.#over.abort(new Error('the connection to systemd is over'));
      systemd.close();
      await Promise.allSettled(parts); // the next connection begins when this one does nothing more
    }
    if (this.#lost !== null && !signal.aborted) throw this.#lost;
  }

  /** An idle connection is asked now and then: nothing else tells that systemd is stuck. */
  async #keepAsking(systemd: Systemd): Promise<void> {
    const { clock, pingMs = agentLimits.pingMs } = this.#options;
    while (!this.#over.signal.aborted) {
      await rest(pingMs, clock, this.#over.signal);
      if (!this.#over.signal.aborted) await systemd.ping();
    }
  }

  async #work(systemd: Systemd, connected: () => void): Promise<void> {
    const { clock, log, ledger, bootId, meter } = this.#options;
    const { files, guard, leaseAge, wake } = this.#memory;
    const { signal } = this.#over;
    const { gatherMs } = agentLimits;
    const view = new MachineView(systemd, files);
    this.#view = view;
    await guard.attach(systemd);
    const news = (): void => wake.nudge();
    this.#words = new FailureWords(systemd, this.#options.explainLoad, news);
    const neighbours = new Neighbours(files);
    const executor = new Executor(
      { systemd, files, view, ledger, bootId, log, meter, guard, leaseAge, neighbours },
      {
        failed: (task, error) => this.#failed(task, error),
        ended: (...end) => this.#ended(...end),
      },
      signal,
    );
    for (const name of await files.names()) this.#onDisk.add(name);
    try {
      for (let passCount = 1; !signal.aborted; passCount += 1) {
        wake.clear();
        const { nextMs } = await this.#pass(view, executor);
        if (passCount === 1) connected();
        const pauseMs = nextMs === null ? null : Math.max(nextMs - clock.nowMs(), 0);
        const endedAtMs = clock.nowMs();
        await wake.rest(pauseMs, clock, signal);
        // The first news after a quiet moment is acted on at once, what follows it is gathered.
        const quietMs = clock.nowMs() - endedAtMs;
        if (quietMs < gatherMs) await rest(gatherMs - quietMs, clock, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error; // else it only says that the connection is over
    } finally {
      guard.detach();
      this.#over.abort(new Error('the connection to systemd is over'));
      systemd.close();
      await executor.settled();
    }
  }

  async #pass(view: MachineView, executor: Executor): Promise<MachinePlan> {
    const { ledger, clock, bootId, meter } = this.#options;
    const beganAtMs = clock.nowMs();
    const book = ledger.orderBook();
    this.#noteOrders(view, book);
    view.keepOnly(this.#names(book));
    // A job that ends while we look counts as running: what it left behind may not be seen yet.
    const busy = executor.busy();
    await view.refresh();
    this.#sayUnreadable(view);
    await this.#keepGuard(view, book);
    const actual = this.#actual(view, busy);
    const plan = planMachine({
      ...{ book, actual, bootId },
      whyNoStart: this.#memory.leaseAge.whyNoStart(),
      whyNoGuarded: this.#memory.guard.whyNot(),
      retries: this.#memory.retries,
      isLeaving: this.#isLeaving,
      nowMs: clock.nowMs(),
    });
    this.#forgetRetries(book, plan);
    this.#report(book, actual, await this.#orphans.look(book, actual));
    // Even if their orders are gone by the next pass, what they leave behind is looked at.
    for (const { unit } of plan.units) this.#onDisk.add(unit);
    const begun = await executor.carryOut(plan.units);
    for (const { unit } of plan.units) if (!begun.has(unit)) view.doubt(unit);
    if (plan.units.length > 0) this.#memory.wake.nudge();
    const tookMs = clock.nowMs() - beganAtMs;
    meter?.passEnded({ tookMs, busy: executor.busy(), waits: plan.waits });
    return plan;
  }

  /** Units that an isolation has stopped count as never started once it is over. */
  async #keepGuard(view: MachineView, book: OrderBook | null): Promise<void> {
    const { files, guard } = this.#memory;
    const forget = async (unit: UnitName): Promise<void> => {
      await files.removeReceipt(unit);
      view.doubtFiles(unit);
    };
    await guard.keep(book, view.guardedNames(), forget, this.#over.signal);
    await view.refresh();
  }

  /** What the pass is about: whatever has an order, is on disk, or is reported. */
  #names(book: OrderBook | null): ReadonlySet<UnitName> {
    return new Set([
      ...(book?.orders.keys() ?? []),
      ...(book?.unreadable ?? []),
      ...this.#onDisk,
      ...this.#memory.reporter.names(),
    ]);
  }

  #noteOrders(view: MachineView, book: OrderBook | null): void {
    if (book === null || book.orders === this.#notedOrders) return;
    for (const [unit, order] of book.orders) {
      if (this.#notedOrders?.get(unit) === order) continue;
      const key = retryKey(order);
      if (this.#orderKeys.get(unit) !== key) view.doubt(unit);
      this.#orderKeys.set(unit, key);
    }
    for (const unit of this.#orderKeys.keys()) {
      if (!book.orders.has(unit)) this.#orderKeys.delete(unit);
    }
    this.#notedOrders = book.orders;
  }

  #actual(
    view: MachineView,
    busy: ReadonlyMap<UnitName, 'start' | 'stop'>,
  ): ReadonlyMap<UnitName, ActualUnit> {
    const actual = new Map<UnitName, ActualUnit>();
    for (const name of view.names()) {
      const unit = view.actual(name, busy.get(name) ?? null);
      if (unit === undefined) continue;
      actual.set(name, unit);
      if (isGone(unit)) this.#onDisk.delete(name);
      else if (unit.owner.kind !== 'other') this.#onDisk.add(name);
    }
    return actual;
  }

  #sayUnreadable(view: MachineView): void {
    for (const unit of this.#unreadable)
      if (!view.unreadable.has(unit)) this.#unreadable.delete(unit);
    for (const [unit, problem] of view.unreadable) {
      if (this.#unreadable.has(unit)) continue;
      this.#unreadable.add(unit);
      this.#options.log.warn(
        { unit, problem },
        'files could not be read, leaving the unit as it is',
      );
    }
  }

  #report(
    book: OrderBook | null,
    actual: ReadonlyMap<UnitName, ActualUnit>,
    orphans: ReadonlyMap<UnitName, OrphanText>,
  ): void {
    for (const [name, unit] of actual) {
      const isUnreadable = book?.unreadable.has(name) ?? true;
      const reporting = reportOf({
        actual: unit,
        order: isUnreadable ? null : (book?.orders.get(name) ?? null),
        isOrderKnown: !isUnreadable,
        retry: this.#memory.retries.get(name),
        text: orphans.get(name) ?? null,
        words: this.#words?.of(unit) ?? null,
        bootId: this.#options.bootId,
        isIsolated: this.#memory.guard.isIsolated,
      });
      this.#memory.reporter.say(name, reporting);
    }
  }

  /** What an order needed is done, or the order is another one: its failures are history. */
  #forgetRetries(book: OrderBook | null, plan: MachinePlan): void {
    if (book === null) return;
    const { retries } = this.#memory;
    const open = new Set([...plan.units, ...plan.waits].map(({ unit }) => unit));
    for (const [unit, retry] of retries) {
      if (!open.has(unit) || this.#orderKeys.get(unit) !== retry.key) retries.delete(unit);
    }
  }

  #failed(task: Task, error: FleetError): void {
    const { clock, log, meter } = this.#options;
    meter?.taskFailed(task.kind);
    const { retries } = this.#memory;
    const key = this.#orderKeys.get(task.unit);
    if (key === undefined) return;
    const before = retries.get(task.unit);
    const { code } = error.trouble;
    const isRefusal = !isJob(task) && (code === 'systemd/refused' || code === 'disk/failed');
    const retry = nextRetry(before, { key, problem: error.message, isRefusal }, clock.nowMs());
    retries.set(task.unit, retry);
    if (before?.key === key && before.problem === retry.problem) return;
    const { unit, kind, reason } = task;
    log.warn({ unit, task: kind, reason, problem: retry.problem }, 'task failed, trying again');
  }

  #ended(unit: UnitName, last: Task['kind'], isDone: boolean): void {
    // A start that went well changed only the receipt; the rest came by signals.
    if (last === 'start' && isDone) this.#view?.doubtFiles(unit);
    else this.#view?.doubt(unit);
    this.#memory.wake.nudge();
  }

  #events(): SystemdEvents {
    const { log, onShutdown, onAnswer } = this.#options;
    const { wake } = this.#memory;
    return {
      unitChanged: (name, change) => {
        if (this.#view?.take(name, change)) wake.nudge();
      },
      everythingChanged: () => {
        this.#view?.doubtAll();
        wake.nudge();
      },
      shutdownBegan: () => {
        if (this.#isLeaving) return;
        this.#isLeaving = true;
        log.info({}, 'machine began to shut down');
        onShutdown();
        wake.nudge();
      },
      answered: () => onAnswer?.(),
      disconnected: (error) => {
        this.#lost = error;
        this.#over.abort(error);
      },
    };
  }
}
