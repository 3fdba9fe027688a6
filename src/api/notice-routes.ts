import type { Notices } from '../model/notice.ts';
import { type Answer, refused } from './answer.ts';
import { type Query, queryText } from './page-query.ts';
import type { NoticesBody } from './schema.ts';

/** `GET /notices?except=KIND,…`: what a person must know of the whole cluster, now. */
export async function listNotices(
  notices: Notices,
  query: Query,
  signal: AbortSignal,
): Promise<Answer> {
  const except = queryText(query, 'except');
  if (!except.ok) return refused(except.error);
  // One that is not known here is never told anyhow.
  const kinds = new Set(except.value?.split(','));
  const body: NoticesBody = { notices: await notices.read(signal, kinds) };
  return { status: 200, body };
}

/** Nobody has anything to say. */
export const noNotices: Notices = { read: async () => [] };
