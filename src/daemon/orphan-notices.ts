import type { Catalog } from '../model/catalog.ts';
import type { Notice } from '../model/notice.ts';
import { tellOrphans } from '../model/orphan-notice.ts';

/** Reads which units run though the cluster has no order about them, and tells of them. */
export async function orphanNotices(
  catalog: Pick<Catalog, 'readOrphans'>,
  signal: AbortSignal,
): Promise<readonly Notice[]> {
  const found = await catalog.readOrphans(signal);
  return tellOrphans(found.map(({ report, ...where }) => ({ ...where, active: report.active })));
}
