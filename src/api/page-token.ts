import { fail, ok, type Result } from '../lib/result.ts';
import type { PageStart } from '../model/catalog.ts';
import type { Revision } from '../model/ids.ts';

/** Where a walk goes on. Clients get it as an opaque text and bring it back. */
export interface PageToken {
  /** What is walked through, its filter included: a token of one listing fits no other. */
  readonly listing: string;
  readonly start: PageStart;
  readonly limitCount: number;
}

/** Written into each token, so that a later format can be told apart. */
const tokenFormat = 1;

/** etcd counts revisions in int64. */
const revisionMax = 2n ** 63n - 1n;

/** A token as text fit for a URL. */
export function encodePageToken({ listing, start, limitCount }: PageToken): string {
  const parts = [tokenFormat, listing, start.revision.toString(), start.after, limitCount];
  return Buffer.from(JSON.stringify(parts)).toString('base64url');
}

/** Reads a token; whatever this API did not hand out is refused. */
export function decodePageToken(text: string): Result<PageToken, string> {
  const parts = readParts(text);
  if (parts === null) return fail('the page token is damaged, or not from this API');
  const [format, listing, revisionText, after, limitCount] = parts;
  if (format !== tokenFormat) return fail('the page token is from another version of fleetd');
  if (typeof listing !== 'string' || typeof after !== 'string') return fail(damaged);
  if (typeof limitCount !== 'number' || !Number.isInteger(limitCount)) return fail(damaged);
  if (typeof revisionText !== 'string' || !/^[1-9][0-9]{0,18}$/.test(revisionText)) {
    return fail(damaged);
  }
  const revision = BigInt(revisionText);
  if (revision > revisionMax || limitCount < 1) return fail(damaged);
  return ok({ listing, start: { revision: revision as Revision, after }, limitCount });
}

const damaged = 'the page token is damaged';

function readParts(text: string): readonly unknown[] | null {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return null;
  try {
    const parts: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    return Array.isArray(parts) && parts.length === 5 ? parts : null;
  } catch {
    return null; // not JSON, so not ours
  }
}
