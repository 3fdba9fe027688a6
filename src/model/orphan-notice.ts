import { byText } from '../lib/order.ts';
import { type MachineId, shortId } from './ids.ts';
import type { Notice } from './notice.ts';

const limits = { namesMax: 5 } as const;

/** A unit that a machine has without an order, as its report or a listing tells. */
export interface OrphanRow {
  readonly unit: string;
  readonly machine: MachineId;
  /** systemd's word. */
  readonly active: string;
}

/**
 * Tells of units that run though the cluster has no order about them. One that has stopped since is
 * only its file: `list-units` shows it, and nobody has to be called for it.
 */
export function tellOrphans(found: readonly OrphanRow[]): readonly Notice[] {
  const rows = found.filter(({ active }) => active !== 'inactive' && active !== 'failed');
  if (rows.length === 0) return [];
  const shown = rows
    .sort((one, other) => byText(one.unit, other.unit))
    .slice(0, limits.namesMax)
    .map(({ unit, machine }) => `${unit} on ${shortId(machine)}`);
  const more = rows.length > shown.length ? `, and ${rows.length - shown.length} more` : '';
  const are = rows.length === 1 ? '1 unit runs' : `${rows.length} units run`;
  return [
    {
      kind: 'orphans',
      text: `${are} without an order: ${shown.join(', ')}${more}`,
      hint: 'submit and start the same unit to adopt it, or fleetctl destroy --orphan NAME',
    },
  ];
}
