import { fail, ok, type Result } from '../lib/result.ts';
import type { Page, PageRequest } from '../model/catalog.ts';
import { printable } from '../unitfile/problem.ts';
import type { Refusal } from './answer.ts';
import { decodePageToken, encodePageToken } from './page-token.ts';
import { pageItemsMax } from './schema.ts';

/** A query string, as parsed: a parameter given twice is a list. */
export type Query = Readonly<Record<string, unknown>>;

/** The value of a parameter, null when it is absent or empty. */
export function queryText(query: Query, name: string): Result<string | null, Refusal> {
  const value = Object.hasOwn(query, name) ? query[name] : undefined;
  if (value === undefined || value === '') return ok(null);
  if (typeof value === 'string') return ok(value);
  return fail(badQuery(`${name}= is given more than once`, `give ${name}= once`));
}

/** Which page a request asks for; `listing` names the collection and its filter. */
export function readPageQuery(
  query: Query,
  listing: string,
  limitDefaultCount: number,
  countMax: number = pageItemsMax,
): Result<PageRequest, Refusal> {
  const token = queryText(query, 'nextPageToken');
  if (!token.ok) return token;
  const limit = readLimit(query, countMax);
  if (!limit.ok) return limit;
  if (token.value === null)
    return ok({ start: null, limitCount: limit.value ?? limitDefaultCount });
  const decoded = decodePageToken(token.value);
  if (!decoded.ok) return fail(badQuery(decoded.error, startAgain));
  if (decoded.value.listing !== listing) {
    return fail(badQuery('the page token belongs to another listing', startAgain));
  }
  const limitCount = Math.min(limit.value ?? decoded.value.limitCount, countMax);
  return ok({ start: decoded.value.start, limitCount });
}

/** The `nextPageToken` member of a page's body; nothing on the last page. */
export function nextPage<T>(
  page: Page<T>,
  listing: string,
  limitCount: number,
): { readonly nextPageToken?: string } {
  if (page.next === null) return {};
  return { nextPageToken: encodePageToken({ listing, start: page.next, limitCount }) };
}

/** What to do about a page that cannot be shown. */
export const startAgain = 'start again without nextPageToken=';

function readLimit(query: Query, countMax: number): Result<number | null, Refusal> {
  const text = queryText(query, 'limit');
  if (!text.ok || text.value === null) return text.ok ? ok(null) : text;
  if (!/^[0-9]{1,9}$/.test(text.value) || Number(text.value) === 0) {
    const what = `limit=${printable(text.value)} is not a number of items`;
    return fail(badQuery(what, `give a number from 1 to ${countMax}`));
  }
  return ok(Math.min(Number(text.value), countMax));
}

function badQuery(message: string, hint: string): Refusal {
  return { status: 400, message, hint };
}
