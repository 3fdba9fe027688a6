import { invariant, unreachable } from '../lib/invariant.ts';
import type { Change, Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import type { Revision } from '../model/ids.ts';
import { brakeCodec, memberCodec, orderCodec, placementCodec } from './codec.ts';
import type { Keys } from './keys.ts';
import { limits } from './limits.ts';
import type { Compare, Op } from './store.ts';

/** What decisions are turned into writes against. */
export interface DecisionContext {
  readonly keys: Keys;
  readonly picture: ClusterPicture;
  /** The mod revision of a unit's record or of a text; null when it is not stored. */
  modRevisionOf(key: string): Revision | null;
}

/** The writes of some decisions, and what they need besides the leader's chain. */
export interface DecisionTxn {
  readonly onlyIf: readonly Compare[];
  readonly writes: readonly Op[];
}

/**
 * Turns decisions into one transaction; null when one of them is about something that changed
 * already. A key that is written twice is written as it was decided last.
 */
export function decisionTxn(
  decisions: readonly Decision[],
  context: DecisionContext,
): DecisionTxn | null {
  const changes = decisions.flatMap((decision) => decision.changes);
  const { batchOpsMax } = limits;
  invariant(changes.length <= batchOpsMax, 'batch', `${changes.length} changes in one batch`);
  const onlyIf = new Map<string, Compare>();
  const writes = new Map<string, Op>();
  for (const change of changes) {
    const guard = guardOf(change, context);
    if (guard === 'outdated') return null;
    if (guard === 'done') continue;
    if (guard !== null) onlyIf.set(guard.key, guard);
    const op = opOf(change, context.keys);
    writes.set(op.key, op);
  }
  return { onlyIf: [...onlyIf.values()], writes: [...writes.values()] };
}

type Guard = Extract<Compare, { kind: 'modified' | 'absent' }>;

function guardOf(change: Change, context: DecisionContext): Guard | 'outdated' | 'done' | null {
  if (change.kind === 'forget-member') {
    return { kind: 'absent', key: context.keys.machine(change.machine) };
  }
  if (change.kind !== 'forget-unit' && change.kind !== 'forget-text') return null;
  const { keys, picture } = context;
  const key =
    change.kind === 'forget-unit' ? keys.unit(change.unit) : keys.text(change.contentHash);
  const at = context.modRevisionOf(key);
  if (at === null) return 'done';
  if (change.kind === 'forget-unit') {
    const record = picture.units.get(change.unit);
    if (record === undefined || record.identity !== change.identity) return 'outdated';
  }
  return { kind: 'modified', key, at };
}

function opOf(change: Change, keys: Keys): Op {
  switch (change.kind) {
    case 'place':
      return put(keys.placement(change.unit), placementCodec.encode(change.placement));
    case 'unplace':
      return { kind: 'delete', key: keys.placement(change.unit) };
    case 'order':
      return put(keys.order(change.machine, change.unit), orderCodec.encode(change.order));
    case 'withdraw':
      return { kind: 'delete', key: keys.order(change.machine, change.unit) };
    case 'forget-unit':
      return { kind: 'delete', key: keys.unit(change.unit) };
    case 'forget-text':
      return { kind: 'delete', key: keys.text(change.contentHash) };
    case 'member':
      return put(keys.member(change.member.id), memberCodec.encode(change.member));
    case 'brake':
      if (change.brake === null) return { kind: 'delete', key: keys.brake };
      return put(keys.brake, brakeCodec.encode(change.brake));
    case 'forget-member':
      return { kind: 'delete', key: keys.member(change.machine) };
    case 'forget-wish':
      return { kind: 'delete', key: keys.forgetting(change.machine) };
    default:
      return unreachable(change);
  }
}

function put(key: string, value: string): Op {
  return { kind: 'put', key, value, leaseId: null };
}
