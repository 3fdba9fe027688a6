import type { Change, Decision } from '../../src/model/change.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import { shortId } from '../../src/model/ids.ts';
import type { Order } from '../../src/model/order.ts';
import type { Placement } from '../../src/model/placement.ts';
import type { UnitRecord } from '../../src/model/unit.ts';
import type { UnitName } from '../../src/unitfile/unit-name.ts';

/** A cluster as people read it: machines with what they are ordered, then units without one. */
export function clusterText(picture: ClusterPicture): string {
  const known = [...picture.members.keys(), ...picture.machines.keys(), ...picture.orders.keys()];
  const machines = [...new Set(known)].sort().flatMap((id) => {
    const machine = picture.machines.get(id);
    const metadata = [...(machine?.metadata ?? [])].map(([key, value]) => ` ${key}=${value}`);
    const state = machine === undefined ? ' (away)' : machine.leaving ? ' (leaving)' : '';
    const orders = [...(picture.orders.get(id) ?? [])].sort().map(([unit, order]) => {
      const report = picture.reports.get(id)?.get(unit);
      const words = report === undefined ? '' : `, is ${report.current} ${report.active}`;
      return `  ${unit}: ${orderText(unit, order)}${words}`;
    });
    return [`machine ${shortId(id)}${metadata.join('')}${state}`, ...orders];
  });
  const units = [...picture.units].sort().map(([unit, record]) => {
    const placement = picture.placements.get(unit);
    return `${unitText(unit, record)}${placement === undefined ? '' : `\n  ${placed(placement)}`}`;
  });
  return [...machines, ...units].join('\n');
}

/** Decisions as people read them. */
export function decisionsText(decisions: readonly Decision[]): string {
  if (decisions.length === 0) return 'nothing to do';
  return decisions
    .map(({ subject, reason, changes }) =>
      [`${shortSubject(subject)}: ${reason}`, ...changes.map((one) => `  ${changeText(one)}`)].join(
        '\n',
      ),
    )
    .join('\n');
}

function unitText(unit: UnitName, record: UnitRecord): string {
  const asked = Object.entries(record.requirements)
    .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value))
    .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  const state = record.gone ? 'destroyed' : record.desired;
  return `unit ${unit} ${state}${asked.join('')}`;
}

function placed(placement: Placement): string {
  const where = placement.machine === null ? 'nowhere' : `on ${shortId(placement.machine)}`;
  const objections = placement.objections.map(
    ({ why, count, machines }) => `\n    ${count}× ${why} (${machines.map(shortId).join(', ')})`,
  );
  const refusals = placement.refusals.map(
    ({ machine, why }) => `\n    refused by ${shortId(machine)}: ${why}`,
  );
  return `${where}: ${placement.reason}${objections.join('')}${refusals.join('')}`;
}

function orderText(unit: UnitName, order: Order): string {
  const after = order.after.length === 0 ? '' : ` after ${order.after.join(', ')}`;
  return `${order.want} ${String(order.identity).slice(unit.length)}${after}`;
}

function changeText(change: Change): string {
  switch (change.kind) {
    case 'place':
      return `place ${change.unit} ${placed(change.placement).replaceAll('\n', '\n  ')}`;
    case 'order': {
      const { machine, unit, order } = change;
      return `order ${shortId(machine)} to ${orderText(unit, order)} of ${unit}: ${order.reason}`;
    }
    case 'withdraw':
      return `withdraw ${change.unit} from ${shortId(change.machine)}`;
    case 'member':
      return `member ${change.member.vanishedMs === null ? 'present' : 'vanished'}`;
    case 'forget-removal':
      return `forget removal of ${change.unit} from ${shortId(change.machine)}`;
    case 'forget-text':
      return `forget ${change.contentHash}`;
    case 'brake': {
      const { waiting = [], released = [] } = change.brake ?? {};
      return `brake: ${waiting.length} machines wait, ${released.length} are let go`;
    }
    case 'forget-member':
    case 'forget-wish':
      return `${change.kind} ${shortId(change.machine)}`;
    default:
      return `${change.kind} ${change.unit}`;
  }
}

function shortSubject(subject: string): string {
  return /^[0-9a-f]{32}$/.test(subject) ? `machine ${subject.slice(0, 8)}` : subject;
}
