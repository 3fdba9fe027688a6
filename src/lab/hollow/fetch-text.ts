import { messageOf } from '../../lib/error.ts';
import { fail, ok, type Result } from '../../lib/result.ts';

const answerMsMax = 5_000;

/** What a server on this computer says. */
export async function fetchText(url: string): Promise<Result<string, string>> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMsMax) });
    const text = await response.text();
    return response.ok ? ok(text) : fail(`${url} answers ${response.status}`);
  } catch (error) {
    const cause = error instanceof Error ? error.cause : undefined;
    return fail(`${url}: ${messageOf(cause ?? error)}`);
  }
}
