import { unreachable } from '../lib/invariant.ts';
import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Brake } from './brake.ts';
import type { Change, Decision } from './change.ts';
import type { ClusterPicture } from './cluster-picture.ts';
import type { MachineId } from './ids.ts';
import type { Order } from './order.ts';

/** The picture as it would be with every decision written and nothing else changed. */
export function applyDecisions(
  picture: ClusterPicture,
  decisions: readonly Decision[],
): ClusterPicture {
  const draft = {
    units: new Map(picture.units),
    members: new Map(picture.members),
    placements: new Map(picture.placements),
    orders: new Map([...picture.orders].map(([machine, orders]) => [machine, new Map(orders)])),
    removals: new Map([...picture.removals].map(([machine, of]) => [machine, new Map(of)])),
    texts: new Set<ContentHash>(picture.texts.keys()),
    brake: picture.brake,
    forgetting: new Set(picture.forgetting),
  };
  for (const decision of decisions) for (const change of decision.changes) apply(draft, change);
  return { ...picture, ...draft };
}

interface Draft {
  readonly units: Map<UnitName, unknown>;
  readonly members: Map<MachineId, unknown>;
  readonly placements: Map<UnitName, unknown>;
  readonly orders: Map<MachineId, Map<UnitName, Order>>;
  readonly removals: Map<MachineId, Map<UnitName, unknown>>;
  readonly texts: Set<ContentHash>;
  readonly forgetting: Set<MachineId>;
  brake: Brake | null;
}

function apply(draft: Draft, change: Change): void {
  switch (change.kind) {
    case 'place':
      draft.placements.set(change.unit, change.placement);
      return;
    case 'unplace':
      draft.placements.delete(change.unit);
      return;
    case 'order': {
      const orders = draft.orders.get(change.machine) ?? new Map<UnitName, Order>();
      draft.orders.set(change.machine, orders.set(change.unit, change.order));
      return;
    }
    case 'withdraw':
      draft.orders.get(change.machine)?.delete(change.unit);
      return;
    case 'forget-unit':
      draft.units.delete(change.unit);
      return;
    case 'forget-removal':
      draft.removals.get(change.machine)?.delete(change.unit);
      return;
    case 'forget-text':
      draft.texts.delete(change.contentHash);
      return;
    case 'member':
      draft.members.set(change.member.id, change.member);
      return;
    case 'brake':
      draft.brake = change.brake;
      return;
    case 'forget-member':
      draft.members.delete(change.machine);
      return;
    case 'forget-wish':
      draft.forgetting.delete(change.machine);
      return;
    default:
      unreachable(change);
  }
}
