import { byText } from '../lib/order.ts';
import type { Change, Decision } from '../model/change.ts';
import type { ClusterPicture } from '../model/cluster-picture.ts';
import { holdMs } from '../model/hold.ts';
import { type MachineId, shortId } from '../model/ids.ts';
import { limits } from './limits.ts';
import type { AbsentForMs } from './plan-time.ts';

/** What forgetting machines comes to: the cluster without them, and what makes the store so. */
export interface Forgetting {
  readonly picture: ClusterPicture;
  readonly decisions: readonly Decision[];
}

/**
 * Leaves out the machines that somebody wants to be forgotten, with every order they have: whatever
 * waited for one of them waits no more. A machine that is there is not forgotten, and the wish is
 * dropped: whoever had it thought that it was away for good. One that is not there, and was when a
 * leader last looked, may only have lost its lease for a moment: the wish waits. It also waits while
 * the machine may still run a unit with `OnPartition=stop`: see `holdEndMs`.
 */
export function forgetMembers(picture: ClusterPicture, absentForMs: AbsentForMs): Forgetting {
  const wished = [...picture.forgetting].sort(byText);
  if (wished.length === 0) return { picture, decisions: [] };
  const isThere = (id: MachineId): boolean => picture.machines.has(id);
  const isHeld = (id: MachineId): boolean => {
    const orders = [...(picture.orders.get(id)?.values() ?? [])];
    return orders.some(({ guard }) => guard !== undefined && absentForMs(id) < holdMs(guard));
  };
  const away = new Set(
    wished.filter(
      (id) => !isThere(id) && picture.members.get(id)?.vanishedMs !== null && !isHeld(id),
    ),
  );
  const without = <T>(map: ReadonlyMap<MachineId, T>): ReadonlyMap<MachineId, T> =>
    new Map([...map].filter(([id]) => !away.has(id)));
  return {
    picture: {
      ...picture,
      members: without(picture.members),
      orders: without(picture.orders),
      reports: without(picture.reports),
      forgetting: new Set(),
    },
    decisions: wished.flatMap((id) => {
      if (isThere(id)) return [kept(id)];
      return away.has(id) ? forgotten(picture, id) : [];
    }),
  };
}

/** Its orders first, in as many transactions as they need; the wish stands until the last one. */
function forgotten(picture: ClusterPicture, machine: MachineId): readonly Decision[] {
  const subject = machine;
  const reason = `machine ${shortId(machine)} was forgotten`;
  const changes: readonly Change[] = [
    ...[...(picture.orders.get(machine)?.keys() ?? [])]
      .sort(byText)
      .map((unit): Change => ({ kind: 'withdraw', machine, unit })),
    { kind: 'forget-member', machine },
    { kind: 'forget-wish', machine },
  ];
  const decisions: Decision[] = [];
  for (let start = 0; start < changes.length; start += limits.batchChangesMax) {
    const part = changes.slice(start, start + limits.batchChangesMax);
    decisions.push({ subject, reason, changes: part });
  }
  return decisions;
}

function kept(machine: MachineId): Decision {
  const reason = `machine ${shortId(machine)} is there and is not forgotten`;
  return { subject: machine, reason, changes: [{ kind: 'forget-wish', machine }] };
}
