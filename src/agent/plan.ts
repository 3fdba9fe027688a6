import { byText } from '../lib/order.ts';
import type { BootId } from '../model/ids.ts';
import type { OrderBook } from '../model/ledger.ts';
import type { Order } from '../model/order.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import { type ActualUnit, isGone, isOfAnother, isStale, isUnloadable, isUp } from './observe.ts';
import { type Retry, retryKey } from './retry.ts';
import { type MachinePlan, stageOf, type Task, type UnitPlan } from './task.ts';

/** Everything a plan depends on. */
export interface PlanInput {
  /** null: nothing is known, and nothing is done. */
  readonly book: OrderBook | null;
  /** Every unit that has an order or of which anything is on disk. */
  readonly actual: ReadonlyMap<UnitName, ActualUnit>;
  readonly retries: ReadonlyMap<UnitName, Retry>;
  readonly bootId: BootId;
  /** The machine goes down: systemd takes no start jobs. */
  readonly isLeaving: boolean;
  /** Why nothing may be started now; null when it may. */
  readonly whyNoStart: string | null;
  /** Why no unit with `OnPartition=stop` may start now; null when they may. */
  readonly whyNoGuarded: string | null;
  readonly nowMs: number;
}

/** What one unit's order comes to now: tasks, or a wait with its reason, or neither. */
interface Step {
  readonly tasks: readonly Task[];
  readonly wait?: string;
  readonly untilMs?: number;
}

const nothing: Step = { tasks: [] };

/**
 * Compares orders with what is there. Only an order makes a task: a unit without one is unknown and
 * left as it is (invariant 3), and so is a name that belongs to somebody else (invariant 11). An
 * empty plan means that all orders are carried out, or wait.
 */
export function planMachine(input: PlanInput): MachinePlan {
  const units: UnitPlan[] = [];
  const waits: { unit: UnitName; reason: string }[] = [];
  let nextMs: number | null = null;
  const orders = [...(input.book?.orders ?? [])].sort(([left], [right]) => byText(left, right));
  for (const [unit, order] of orders) {
    const step = planUnit(unit, order, input);
    if (step.tasks.length > 0) units.push({ unit, tasks: step.tasks });
    if (step.wait !== undefined) waits.push({ unit, reason: step.wait });
    if (step.untilMs !== undefined) nextMs = Math.min(nextMs ?? step.untilMs, step.untilMs);
  }
  return { units, waits, nextMs };
}

/** Whether the start that an order asks for has happened already in this boot. */
export function isLaunched(actual: ActualUnit, order: Order, bootId: BootId): boolean {
  const { receipt } = actual.disk;
  return (
    receipt !== null &&
    receipt.bootId === bootId &&
    receipt.identity === order.identity &&
    receipt.unitHash === order.unitHash &&
    // A store that went back in time asks for no restart.
    receipt.restartCount >= order.restartCount
  );
}

function planUnit(unit: UnitName, order: Order, input: PlanInput): Step {
  const actual = input.actual.get(unit);
  if (actual === undefined || input.book?.unreadable.has(unit)) return nothing;
  if (actual.busy === 'stop') return { tasks: [], wait: 'is being stopped' };
  const step = wanted(actual, order, input);
  const retry = input.retries.get(unit);
  const isPaused = retry?.key === retryKey(order) && input.nowMs < retry.notBeforeMs;
  if (!isPaused || step.tasks.length === 0) return step;
  return { tasks: [], wait: retry.problem, untilMs: retry.notBeforeMs };
}

function wanted(actual: ActualUnit, order: Order, input: PlanInput): Step {
  if (order.want === 'retire') return nothing;
  if (order.want === 'gone') return planGone(actual, order);
  if (actual.owner.kind === 'other') {
    return { tasks: [], wait: `name taken by ${actual.owner.where}` };
  }
  switch (order.want) {
    case 'load':
      return planLoad(actual, order);
    case 'stop':
      return planStop(actual, order);
    case 'launch':
      return planLaunch(actual, order, input);
  }
}

function planGone(actual: ActualUnit, order: Order): Step {
  // Only the submission it names is to go: an orphan of that name has an order of its own coming.
  if (isGone(actual) || isOfAnother(actual, order.identity)) return nothing;
  const unit = actual.name;
  const { reason } = order;
  const isOurs = actual.owner.kind === 'fleet';
  const tasks: Task[] = [];
  if (actual.busy === 'start' || (isOurs && isUp(actual))) {
    tasks.push({ kind: 'stop', unit, reason });
  }
  if (isOurs) tasks.push({ kind: 'reset', unit, reason });
  const { contentHash, link, loaded, receipt } = actual.disk;
  if (contentHash !== null || link === 'ours' || loaded !== null || receipt !== null) {
    tasks.push({ kind: 'remove', unit, reason });
    return { tasks };
  }
  if (actual.disk.install !== 'none') {
    return { tasks: [...tasks, { kind: 'install', unit, reason: 'its links are taken back' }] };
  }
  return { tasks: [...tasks, { kind: 'reload', unit, reason: 'systemd still holds its text' }] };
}

function planStop(actual: ActualUnit, order: Order): Step {
  const unit = actual.name;
  const { reason } = order;
  const forget: readonly Task[] =
    actual.disk.receipt === null ? [] : [{ kind: 'forget', unit, reason }];
  if (actual.busy === 'start' || (actual.owner.kind === 'fleet' && isUp(actual))) {
    return { tasks: [{ kind: 'stop', unit, reason }, ...forget] };
  }
  const load = planLoad(actual, order);
  return { ...load, tasks: [...forget, ...load.tasks] };
}

function planLoad(actual: ActualUnit, order: Order): Step {
  const unit = actual.name;
  const { disk } = actual;
  if (actual.busy !== null) return { tasks: [], wait: 'is being started' };
  const tasks: Task[] = [];
  if (disk.contentHash !== order.contentHash) {
    if (!mayReplaceText(actual, order)) {
      return { tasks: [], wait: 'an earlier unit of this name still runs here' };
    }
    // Failed units stay in systemd's memory with their text; a reset lets it go.
    if (actual.status.active === 'failed') {
      tasks.push({ kind: 'reset', unit, reason: 'its text changes' });
    }
    tasks.push({ kind: 'write', unit, reason: order.reason, order }, ...guardTasks(unit, order));
    if (disk.link !== 'ours') tasks.push({ kind: 'link', unit, reason: order.reason });
    tasks.push({ kind: 'install', unit, reason: order.reason });
    // systemd never looks again at a file that it could not use, as long as it holds the unit.
    if (isUnloadable(actual)) tasks.push({ kind: 'reload', unit, reason: 'its text changes' });
    return { tasks };
  }
  if (!describesFile(actual, order)) {
    const reason = 'its text is on disk already';
    tasks.push({ kind: 'record', unit, reason, order }, ...guardTasks(unit, order));
  }
  if (disk.link !== 'ours') tasks.push({ kind: 'link', unit, reason: order.reason });
  if (disk.install === 'due') {
    tasks.push({ kind: 'install', unit, reason: 'its [Install] section is not carried out' });
  }
  if (isStale(actual)) {
    tasks.push({ kind: 'reload', unit, reason: 'systemd has not seen its text' });
  }
  return { tasks };
}

/**
 * A text is written over another only when nothing of the other runs (invariant 8), when only
 * comments changed, or when the file of a running unit was lost.
 */
function mayReplaceText(actual: ActualUnit, order: Order): boolean {
  const { contentHash, loaded } = actual.disk;
  if (!isUp(actual) || contentHash === null) return true;
  if (loaded?.unitHash !== order.unitHash) return false;
  // The same options: of this identity, or of an orphan that it takes over.
  return loaded.identity === order.identity || loaded.contentHash === contentHash;
}

function describesFile({ disk }: ActualUnit, order: Order): boolean {
  const { loaded } = disk;
  if (loaded === null || loaded.identity !== order.identity) return false;
  const isGuarded = order.guard !== undefined;
  return loaded.contentHash === disk.contentHash && (loaded.isGuarded ?? false) === isGuarded;
}

function planLaunch(actual: ActualUnit, order: Order, input: PlanInput): Step {
  const load = planLoad(actual, order);
  if (load.wait !== undefined) return load;
  if (order.finished === true || isLaunched(actual, order, input.bootId)) return load;
  const run = planRun(actual, order, input);
  const isStart = run.tasks.some(({ kind }) => kind === 'start');
  const isWritten = load.tasks.some(({ kind }) => kind === 'guard');
  const guard = isStart && !isWritten ? guardTasks(actual.name, order) : [];
  return { ...run, tasks: [...load.tasks, ...guard, ...run.tasks].sort(byStage) };
}

/** Its drop-in is written before systemd knows the unit, and anew before each start. */
function guardTasks(unit: UnitName, order: Order): readonly Task[] {
  return order.guard === undefined ? [] : [{ kind: 'guard', unit, reason: order.reason, order }];
}

function byStage(left: Task, right: Task): number {
  return stageOf(left) - stageOf(right);
}

/** Loaded or about to be, and not launched yet. */
function planRun(actual: ActualUnit, order: Order, input: PlanInput): Step {
  const unit = actual.name;
  const { active, hasJob } = actual.status;
  const { receipt } = actual.disk;
  const isRestart = receipt?.identity === order.identity && receipt.bootId === input.bootId;
  if ((active === 'active' || active === 'reloading') && !isRestart) {
    return { tasks: [{ kind: 'receipt', unit, reason: 'it runs already: adopted', order }] };
  }
  if (input.isLeaving) return { tasks: [], wait: 'the machine goes down' };
  const { loadError } = actual.status;
  if (isUnloadable(actual) && actual.disk.contentHash === order.contentHash) {
    return { tasks: [], wait: `systemd cannot load it: ${loadError}` };
  }
  const before = order.after.find((name) => {
    const other = input.actual.get(name);
    return other !== undefined && !isGone(other);
  });
  if (before !== undefined) return { tasks: [], wait: `${before} has to be gone first` };
  if (input.whyNoStart !== null) return { tasks: [], wait: input.whyNoStart };
  if (order.guard !== undefined && input.whyNoGuarded !== null) {
    return { tasks: [], wait: input.whyNoGuarded };
  }
  const start: Task = { kind: 'start', unit, reason: order.reason, order };
  if (active === 'failed' && order.restartCount > 0 && !wasTried(unit, order, input)) {
    // Somebody asked for it anew: a limit that systemd set after too many starts is over.
    return { tasks: [{ kind: 'reset', unit, reason: order.reason }, start] };
  }
  if (isUp(actual) && isRestart) {
    const stop: Task = { kind: 'stop', unit, reason: order.reason };
    return { tasks: [stop, { ...start, isRestart: true }] };
  }
  // Without a job it waits for systemd's own restart; with one, a start call joins that job.
  if (isUp(actual) && !hasJob) return { tasks: [], wait: `systemd says ${active}` };
  return { tasks: [start] };
}

function wasTried(unit: UnitName, order: Order, input: PlanInput): boolean {
  return input.retries.get(unit)?.key === retryKey(order);
}
