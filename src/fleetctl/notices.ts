import { rest } from '../lib/clock.ts';
import type { Context } from './command.ts';
import { limits } from './limits.ts';

/**
 * Does something while the cluster is asked for its notices, then tells them on stderr: one line
 * and what to do, each. What was asked for never waits for them, and with none, with a fleetd that
 * has no such thing, or with one that does not answer, nothing is told.
 */
export async function withNotices<T>(context: Context, work: () => Promise<T>): Promise<T> {
  const client = context.client();
  const working = work();
  const asked = client.listNotices().catch(() => []); // the work says what is wrong with fleetd
  try {
    return await working;
  } finally {
    const enough = new AbortController();
    const late = rest(limits.noticesMs, context.clock, enough.signal).then(() => []);
    for (const { text, hint } of await Promise.race([asked, late])) {
      context.screen.warn(text);
      context.screen.note(hint);
    }
    enough.abort();
  }
}
