import type { ContentHash } from '../unitfile/unit-hash.ts';
import type { UnitName } from '../unitfile/unit-name.ts';
import type { Brake } from './brake.ts';
import type { MachineId, UnitIdentity } from './ids.ts';
import type { Member } from './machine.ts';
import type { Order } from './order.ts';
import type { Placement } from './placement.ts';

/** One write of the leader. */
export type Change =
  | { readonly kind: 'place'; readonly unit: UnitName; readonly placement: Placement }
  | { readonly kind: 'unplace'; readonly unit: UnitName }
  | {
      readonly kind: 'order';
      readonly machine: MachineId;
      readonly unit: UnitName;
      readonly order: Order;
    }
  | { readonly kind: 'withdraw'; readonly machine: MachineId; readonly unit: UnitName }
  /** Deletes a destroyed unit's record, unless it was submitted again meanwhile. */
  | { readonly kind: 'forget-unit'; readonly unit: UnitName; readonly identity: UnitIdentity }
  /** Deletes a text nobody refers to, unless it was stored again meanwhile. */
  | { readonly kind: 'forget-text'; readonly contentHash: ContentHash }
  | { readonly kind: 'member'; readonly member: Member }
  /** null: there is nothing to remember of it any more. */
  | { readonly kind: 'brake'; readonly brake: Brake | null }
  /** Deletes a member that is away, unless it came back meanwhile. */
  | { readonly kind: 'forget-member'; readonly machine: MachineId }
  /** Deletes the wish that it is forgotten: it is, or the machine is there. */
  | { readonly kind: 'forget-wish'; readonly machine: MachineId }
  /** Deletes the wish to have an orphan removed: it is, or it is none. */
  | { readonly kind: 'forget-removal'; readonly machine: MachineId; readonly unit: UnitName };

/** Changes that belong together: all in one transaction, or none. */
export interface Decision {
  /** What it is about, for logs: a unit, a machine, or `texts`. */
  readonly subject: string;
  readonly reason: string;
  readonly changes: readonly Change[];
}
