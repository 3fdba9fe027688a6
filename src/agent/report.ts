import type { BootId } from '../model/ids.ts';
import type { Order } from '../model/order.ts';
import { unknownIdentity } from '../model/orphan.ts';
import type { Progress, StateReport } from '../model/report.ts';
import type { ContentHash, UnitHash } from '../unitfile/unit-hash.ts';
import { agentLimits } from './limits.ts';
import { type ActualUnit, isGone, isOfAnother, isUnloadable } from './observe.ts';
import type { OrphanText } from './orphan-text.ts';
import { isLaunched } from './plan.ts';
import { type Retry, retryKey } from './retry.ts';

/** What to say of one unit. */
export interface ReportInput {
  readonly actual: ActualUnit;
  /** null: there is none, or it is not known whether there is one. */
  readonly order: Order | null;
  /** The order book was read, and what it says of this unit was understood. */
  readonly isOrderKnown: boolean;
  readonly retry: Retry | undefined;
  /** What its file says, for a unit without an order; null when it has none, or was not read. */
  readonly text: OrphanText | null;
  /** Why it failed or cannot be loaded; empty: nothing is known; null: it is being found out. */
  readonly words: string | null;
  readonly bootId: BootId;
  /** This machine was cut off, and what has `OnPartition=stop` was stopped. */
  readonly isIsolated: boolean;
}

/** A report; `delete`: nothing is left to report on; `leave`: what the store has stays. */
export type Reporting = StateReport | 'delete' | 'leave';

const isolatedWords = 'stopped: this machine was cut off (OnPartition=stop)';
const noHash = 'unknown' as UnitHash;
const noText = '' as ContentHash;

type Copy = Pick<StateReport, 'identity' | 'unitHash'>;

/**
 * What this machine says of a unit: of the copy that is really here, which may be another one than
 * the order's. A unit without an order is reported as long as it is here (an orphan).
 */
export function reportOf(input: ReportInput): Reporting {
  const { actual, order } = input;
  if (order !== null) return reportOnOrder(input, order);
  const { loaded, contentHash } = actual.disk;
  if (input.isOrderKnown) return isGone(actual) ? 'delete' : reportOnOrphan(input);
  if (loaded !== null && loaded.contentHash === contentHash) return reportOnCopy(input, loaded);
  return 'leave';
}

/** Ours, all orders were read, and none is about it: it stays as it is, and is shown. */
function reportOnOrphan(input: ReportInput): Reporting {
  const { actual, text } = input;
  const { disk, owner } = actual;
  if (owner.kind === 'other') return 'leave';
  const hasFile = disk.contentHash !== null;
  if (hasFile && text?.contentHash !== disk.contentHash) return 'leave'; // it is read before long
  const recorded = disk.loaded?.contentHash === disk.contentHash || !hasFile ? disk.loaded : null;
  const known: Partial<Copy> | null = recorded ?? disk.receipt;
  const copy: Copy = {
    identity: known?.identity ?? unknownIdentity,
    unitHash: text?.unitHash ?? known?.unitHash ?? noHash,
  };
  const { contentHash, avoids } = text ?? { contentHash: noText, avoids: [] };
  return { ...reportOnCopy(input, copy), orphan: { contentHash, avoids } };
}

/** Whether two reports say the same. */
export function sameReport(left: StateReport, right: StateReport): boolean {
  return (
    left.identity === right.identity &&
    left.unitHash === right.unitHash &&
    left.restartCount === right.restartCount &&
    left.current === right.current &&
    left.load === right.load &&
    left.active === right.active &&
    left.sub === right.sub &&
    left.problem === right.problem &&
    JSON.stringify(left.orphan) === JSON.stringify(right.orphan)
  );
}

function reportOnOrder(input: ReportInput, order: Order): Reporting {
  const { actual } = input;
  if (order.want === 'gone' && isGone(actual)) return absent(order, 'gone', null);
  if (order.want === 'gone' && isOfAnother(actual, order.identity)) {
    // The ordered copy is gone; what else runs under its name is told until it is shown as an orphan.
    const { load, active, sub } = actual.status;
    return { ...absent(order, 'gone', null), load, active, sub };
  }
  if (actual.owner.kind === 'other') {
    return absent(order, 'refused', shortened(`name taken by ${actual.owner.where}`));
  }
  const retry = input.retry?.key === retryKey(order) ? input.retry : undefined;
  const copy = copyHere(actual, order);
  if (copy !== null && actual.status.load !== 'not-found') {
    // A refusal is remembered by the leader with its first words: they are waited for.
    const isTooSoon = isUnloadable(actual) && input.words === null;
    return isTooSoon ? 'leave' : reportOnCopy(input, copy);
  }
  if (retry?.isRefusal) return absent(order, 'refused', shortened(retry.problem));
  return 'leave';
}

function reportOnCopy(input: ReportInput, copy: Copy): StateReport {
  const { actual, order, retry } = input;
  const { load, active, sub } = actual.status;
  const isRefused = isUnloadable(actual);
  const isOrders = order !== null && retry?.key === retryKey(order);
  const isStopped = input.isIsolated && order?.guard !== undefined;
  const problem = isRefused
    ? loadProblem(input)
    : isOrders
      ? tried(retry)
      : isStopped
        ? isolatedWords
        : runProblem(input);
  // What was stopped by force has not finished, however it looks.
  const current = isRefused ? 'refused' : isStopped ? 'loaded' : progressOf(input, copy);
  return {
    ...{ identity: copy.identity, unitHash: copy.unitHash },
    current,
    ...counted(restartCountOf(input, copy)),
    ...{ load, active, sub },
    problem: problem === null ? null : shortened(problem),
  };
}

/** Which setting it is, where systemd said so. */
function loadProblem({ actual, words }: ReportInput): string {
  const { load, loadError } = actual.status;
  return words ? `${load}: ${words}` : `${load}: ${loadError}`;
}

/** It was started, and failed since. */
function runProblem({ actual, words }: ReportInput): string | null {
  if (actual.status.active !== 'failed' || !words) return null;
  return words;
}

/** The problem of a task, and that it comes again and again. */
function tried({ problem, tryCount }: Retry): string {
  return tryCount === 1 ? problem : `${problem}; tried ${tryCount} times`;
}

function counted(restartCount: number): Pick<StateReport, 'restartCount'> {
  return restartCount === 0 ? {} : { restartCount };
}

/** The start it is about: the one that is ordered, or that happened. */
function restartCountOf({ actual, order }: ReportInput, copy: Copy): number {
  if (order?.identity === copy.identity) return order.restartCount;
  const { receipt } = actual.disk;
  return receipt?.identity === copy.identity ? receipt.restartCount : 0;
}

function progressOf({ actual, order, bootId }: ReportInput, copy: Copy): Progress {
  if (order?.identity === copy.identity && order.want === 'launch') {
    const isStarted = order.finished === true || isLaunched(actual, order, bootId);
    return isStarted ? 'launched' : 'loaded';
  }
  const { receipt } = actual.disk;
  const isStarted = receipt?.identity === copy.identity && receipt.bootId === bootId;
  return isStarted ? 'launched' : 'loaded';
}

/** Whose text is on disk; null when there is none, or it is nobody's that we know. */
function copyHere({ disk }: ActualUnit, order: Order): Copy | null {
  if (disk.contentHash === null) return null;
  if (disk.loaded?.contentHash === disk.contentHash) return disk.loaded;
  return disk.contentHash === order.contentHash ? order : null;
}

function absent(order: Order, current: Progress, problem: string | null): StateReport {
  const { identity, unitHash, restartCount } = order;
  const words = { load: 'not-found', active: 'inactive', sub: 'dead' };
  return { identity, unitHash, current, ...counted(restartCount), ...words, problem };
}

function shortened(problem: string): string {
  const max = agentLimits.problemLengthMax;
  return problem.length <= max ? problem : `${problem.slice(0, max - 1)}…`;
}
