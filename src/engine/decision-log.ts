import type { Logger } from '../lib/log.ts';
import { type Brake, isBraking } from '../model/brake.ts';
import type { Change, Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';

/** One line of the log about one decision. */
export interface DecisionLine {
  readonly level: 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields: object;
}

/** Says what a decision changed; `before` is the picture it was made of. */
export function decisionLine(decision: Decision, before: ClusterPicture): DecisionLine {
  const { subject, reason, changes } = decision;
  const [first] = changes;
  const placed = changes.find((change) => change.kind === 'place');
  if (placed !== undefined) return placedLine(decision, placed, before);
  const machines = machinesOf(changes);
  if (first?.kind === 'member') {
    return { level: 'info', message: 'machine changed', fields: { machine: subject, reason } };
  }
  if (first?.kind === 'brake') return brakeLine(first.brake, reason);
  if (changes.some(({ kind }) => kind === 'forget-member')) {
    return { level: 'info', message: 'forgot machine', fields: { machine: subject, reason } };
  }
  if (first?.kind === 'forget-wish') {
    return { level: 'info', message: 'kept machine', fields: { machine: subject, reason } };
  }
  if (first?.kind === 'forget-text') {
    return { level: 'debug', message: 'forgot texts', fields: { count: changes.length } };
  }
  const fields = { unit: subject, machines, reason };
  if (changes.some((change) => change.kind === 'forget-unit')) {
    return { level: 'info', message: 'forgot', fields };
  }
  if (changes.some((change) => change.kind === 'order')) {
    return { level: 'info', message: 'ordered', fields: { ...fields, want: wantsOf(changes) } };
  }
  return { level: 'debug', message: 'took back orders', fields };
}

/** Writes that line. */
export function logDecision(log: Logger, decision: Decision, before: ClusterPicture): void {
  const { level, message, fields } = decisionLine(decision, before);
  log[level](fields, message);
}

function brakeLine(brake: Brake | null, reason: string): DecisionLine {
  if (!isBraking(brake)) {
    const isNews = reason === 'off';
    return { level: isNews ? 'info' : 'debug', message: 'brake is off', fields: { reason } };
  }
  const { goneCount, ofCount, waiting, untilMs } = brake;
  const until = new Date(untilMs).toISOString();
  const fields = { reason, gone: goneCount, of: ofCount, waiting: waiting.length, until };
  if (reason !== 'on') return { level: 'info', message: 'brake goes on', fields };
  const message = 'most machines vanished at once, moving nothing of theirs for now';
  return { level: 'warn', message, fields };
}

function placedLine(
  decision: Decision,
  { unit, placement }: Extract<Change, { kind: 'place' }>,
  before: ClusterPicture,
): DecisionLine {
  const { subject, reason, changes } = decision;
  const stored = before.placements.get(unit);
  const others = changes.filter((change) => change.kind === 'place').length - 1;
  const isSame = stored?.identity === placement.identity && stored.machine === placement.machine;
  const fields = {
    unit: subject,
    machine: placement.machine,
    reason,
    ...(stored !== undefined && !isSame ? { before: stored.machine } : {}),
    ...(others > 0 ? { others } : {}),
  };
  const level = isSame && stored.reason === placement.reason ? 'debug' : 'info';
  if (placement.machine === null) {
    return { level: isSame ? 'debug' : 'info', message: 'held', fields };
  }
  if (isSame) return { level, message: 'kept', fields };
  const isMove = (stored?.machine ?? null) !== null && stored?.machine !== placement.machine;
  return { level, message: isMove ? 'moved' : 'placed', fields };
}

function machinesOf(changes: readonly Change[]): readonly string[] {
  return changes.flatMap((change) =>
    change.kind === 'order' || change.kind === 'withdraw' ? [change.machine] : [],
  );
}

function wantsOf(changes: readonly Change[]): string {
  const wants = changes.flatMap((change) => (change.kind === 'order' ? [change.order.want] : []));
  return [...new Set(wants)].join(', ');
}
