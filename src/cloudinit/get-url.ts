import { type Clock, rest } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import { cloudinitLimits } from './limits.ts';

/** An answer, whatever its status, or that none came. */
export type Got =
  | { readonly kind: 'answer'; readonly status: number; readonly body: Buffer }
  | { readonly kind: 'away'; readonly why: string };

/** Asks for a URL; never rejects. */
export type GetUrl = (url: string) => Promise<Got>;

/**
 * Gets a URL, and asks again for so long when nobody answers, or a server has not yet what it is
 * asked for.
 */
export function patientGet(clock: Clock, awayMsMax: number): GetUrl {
  return async (url) => {
    const startMs = clock.nowMs();
    for (;;) {
      const got = await getOnce(url);
      const isFinal = got.kind === 'answer' && got.status < 400;
      const isLate = clock.nowMs() - startMs + cloudinitLimits.requestPauseMs >= awayMsMax;
      if (isFinal || isLate) return got;
      await rest(cloudinitLimits.requestPauseMs, clock, new AbortController().signal);
    }
  };
}

async function getOnce(url: string): Promise<Got> {
  const { requestMsMax, userDataBytesMax } = cloudinitLimits;
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(requestMsMax) });
    const parts: Uint8Array[] = [];
    let byteCount = 0;
    for await (const part of answer.body ?? []) {
      byteCount += part.length;
      if (byteCount > userDataBytesMax) {
        return { kind: 'away', why: `it sends more than ${userDataBytesMax} bytes` };
      }
      parts.push(part);
    }
    return { kind: 'answer', status: answer.status, body: Buffer.concat(parts) };
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    return { kind: 'away', why: messageOf(cause ?? error) };
  }
}
