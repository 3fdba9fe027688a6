import type { NoticeBody } from '../api/schema.ts';
import { rest } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import type { Context } from './command.ts';
import { limits } from './limits.ts';

/** What a command that has to do with notices may add to them. */
interface MoreNotices {
  /** Notices about orphans that the work itself has found: fleetd is not asked to look for them. */
  readonly found?: () => readonly NoticeBody[];
  /** What is done once they are told. */
  readonly more?: (notices: readonly NoticeBody[]) => Promise<void>;
}

/**
 * Does something while the cluster is asked for its notices, then tells them on stderr: one line
 * and what to do, each. What was asked for never waits for them, and with none, with a fleetd that
 * has no such thing, or with one that does not answer, nothing is told.
 */
export async function withNotices<T>(
  context: Context,
  work: () => Promise<T>,
  { found, more = async () => undefined }: MoreNotices = {},
): Promise<T> {
  const client = context.client();
  const working = work();
  const except = found === undefined ? [] : (['orphans'] as const);
  const asked = client.listNotices(except).catch(() => []); // the work says what is wrong with fleetd
  let failure: string | null = null;
  try {
    return await working;
  } catch (error) {
    failure = messageOf(error);
    throw error;
  } finally {
    const notices = [...(await soon(asked, context)), ...(found?.() ?? [])];
    for (const notice of notices) tellUnlessSaid(context, notice, failure);
    if (failure === null) await more(notices);
  }
}

/** A failure may be what a notice is about: one of the two is enough. */
function tellUnlessSaid(context: Context, notice: NoticeBody, failure: string | null): void {
  if (failure !== null && notice.text.startsWith(failure)) return;
  context.screen.warn(notice.text);
  context.screen.note(notice.hint);
}

async function soon(
  asked: Promise<readonly NoticeBody[]>,
  { clock }: Context,
): Promise<readonly NoticeBody[]> {
  const enough = new AbortController();
  const late = rest(limits.noticesMs, clock, enough.signal).then(() => []);
  const notices = await Promise.race([asked, late]);
  enough.abort();
  return notices;
}
