import { byText } from '../lib/order.ts';
import type { Catalog } from '../model/catalog.ts';
import { shortId } from '../model/ids.ts';
import type { Notice } from '../model/notice.ts';
import { mayRun } from '../model/orphan.ts';

const limits = { namesMax: 5 } as const;

/**
 * Tells of units that run though the cluster has no order about them. One that has stopped since is
 * only its file: `list-units` shows it, and nobody has to be called for it.
 */
export async function orphanNotices(
  catalog: Pick<Catalog, 'readOrphans'>,
  signal: AbortSignal,
): Promise<readonly Notice[]> {
  const found = await catalog.readOrphans(signal);
  const running = found.filter(({ report }) => mayRun(report));
  const rows = running.sort((one, other) => byText(one.unit, other.unit));
  if (rows.length === 0) return [];
  const shown = rows
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
