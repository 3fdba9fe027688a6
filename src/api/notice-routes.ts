import type { Notices } from '../model/notice.ts';
import type { Answer } from './answer.ts';
import type { NoticesBody } from './schema.ts';

/** `GET /notices`: what a person must know of the whole cluster, now. */
export async function listNotices(notices: Notices, signal: AbortSignal): Promise<Answer> {
  const body: NoticesBody = { notices: await notices.read(signal) };
  return { status: 200, body };
}

/** Nobody has anything to say. */
export const noNotices: Notices = { read: async () => [] };
