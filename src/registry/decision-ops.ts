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
  /** The stored text of a record that holds fields we do not know; null: it holds none. */
  richText(key: string): string | null;
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
    const op = opOf(change, context);
    writes.set(op.key, op);
  }
  return { onlyIf: [...onlyIf.values()], writes: [...writes.values()] };
}

type Guard = Extract<Compare, { kind: 'modified' | 'absent' }>;

function guardOf(change: Change, context: DecisionContext): Guard | 'outdated' | 'done' | null {
  if (change.kind === 'forget-member') {
    return { kind: 'absent', key: context.keys.machine(change.machine) };
  }
  const { picture } = context;
  const key = guardedKey(change, context.keys);
  if (key === null) return null;
  const at = context.modRevisionOf(key);
  if (at === null) return 'done';
  if (change.kind === 'forget-unit') {
    const record = picture.units.get(change.unit);
    if (record === undefined || record.identity !== change.identity) return 'outdated';
  }
  return { kind: 'modified', key, at };
}

/** What is deleted unless somebody wrote it anew meanwhile. */
function guardedKey(change: Change, keys: Keys): string | null {
  if (change.kind === 'forget-unit') return keys.unit(change.unit);
  if (change.kind === 'forget-text') return keys.text(change.contentHash);
  if (change.kind === 'forget-removal') return keys.removal(change.machine, change.unit);
  return null;
}

/** What a newer version keeps in a record outlives our rewriting of it, while it is about the same. */
function opOf(change: Change, { keys, picture, richText }: DecisionContext): Op {
  const over = (key: string, before: string | undefined, now: string): string | undefined =>
    before === now ? (richText(key) ?? undefined) : undefined;
  switch (change.kind) {
    case 'place': {
      const { unit, placement } = change;
      const key = keys.placement(unit);
      const before = picture.placements.get(unit)?.identity;
      return put(key, placementCodec.encode(placement, over(key, before, placement.identity)));
    }
    case 'unplace':
      return { kind: 'delete', key: keys.placement(change.unit) };
    case 'order': {
      const { machine, unit, order } = change;
      const key = keys.order(machine, unit);
      const before = picture.orders.get(machine)?.get(unit)?.identity;
      return put(key, orderCodec.encode(order, over(key, before, order.identity)));
    }
    case 'withdraw':
      return { kind: 'delete', key: keys.order(change.machine, change.unit) };
    case 'forget-unit':
      return { kind: 'delete', key: keys.unit(change.unit) };
    case 'forget-text':
      return { kind: 'delete', key: keys.text(change.contentHash) };
    case 'member': {
      const { member } = change;
      const key = keys.member(member.id);
      return put(key, memberCodec.encode(member, over(key, member.id, member.id)));
    }
    case 'brake':
      if (change.brake === null) return { kind: 'delete', key: keys.brake };
      return put(keys.brake, brakeCodec.encode(change.brake));
    case 'forget-member':
      return { kind: 'delete', key: keys.member(change.machine) };
    case 'forget-wish':
      return { kind: 'delete', key: keys.forgetting(change.machine) };
    case 'forget-removal':
      return { kind: 'delete', key: keys.removal(change.machine, change.unit) };
    default:
      return unreachable(change);
  }
}

function put(key: string, value: string): Op {
  return { kind: 'put', key, value, leaseId: null };
}
