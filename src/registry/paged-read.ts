import { FleetError } from '../lib/error.ts';
import type { Revision } from '../model/ids.ts';
import { limits } from './limits.ts';
import type { KeyRange, RangeAnswer, RangeRequest, Store, StoredItem } from './store.ts';

/** What to read completely. */
export interface WholeRange {
  readonly range: KeyRange;
  readonly keysOnly: boolean;
}

/** Everything in some ranges, as it stood at one revision. */
export interface Reading {
  readonly revision: Revision;
  readonly items: readonly StoredItem[];
}

/** Reads whole ranges page by page, all at one revision (null: the newest). Throws FleetError. */
export async function readWhole(
  store: Store,
  what: { readonly ranges: readonly WholeRange[]; readonly revision: Revision | null },
  signal: AbortSignal,
): Promise<Reading> {
  let revision = what.revision;
  const items: StoredItem[] = [];
  for (const { range, keysOnly } of what.ranges) {
    let from = range.from;
    for (;;) {
      const request: RangeRequest = {
        range: { from, to: range.to },
        limitCount: limits.pageCountMax,
        revision,
        keysOnly,
      };
      const page = await readPage(store, request, signal);
      revision = page.revision;
      for (const item of page.items) items.push(item);
      const last = page.items.at(-1);
      if (!page.hasMore || last === undefined) break;
      from = `${last.key}\0`;
    }
  }
  return { revision: revision ?? (0n as Revision), items };
}

/** One page; a revision that cannot be read any more is `registry/refused`. */
export async function readPage(
  store: Store,
  request: RangeRequest,
  signal: AbortSignal,
): Promise<RangeAnswer> {
  const answer = await store.range(request, signal);
  if (answer.ok) return answer.value;
  throw startAgain(request.revision);
}

/** Several keys at one revision, in order; null where there is none. */
export async function readKeys(
  store: Store,
  what: { readonly keys: readonly string[]; readonly revision: Revision | null },
  signal: AbortSignal,
): Promise<{ readonly revision: Revision; readonly items: readonly (StoredItem | null)[] }> {
  const items: (StoredItem | null)[] = [];
  let revision = what.revision;
  for (let start = 0; start < what.keys.length; start += limits.batchOpsMax) {
    const requests = what.keys.slice(start, start + limits.batchOpsMax).map((key) => ({
      range: { from: key, to: `${key}\0` },
      limitCount: 1,
      revision,
      keysOnly: false,
    }));
    for (const one of await readAtOnce(store, requests, signal)) {
      revision = one.revision;
      items.push(one.items[0] ?? null);
    }
  }
  return { revision: revision ?? (0n as Revision), items };
}

/** Several readings in one request, all at one revision. */
export async function readAtOnce(
  store: Store,
  requests: readonly RangeRequest[],
  signal: AbortSignal,
): Promise<readonly RangeAnswer[]> {
  const [only, ...others] = requests;
  if (only !== undefined && others.length === 0) return [await readPage(store, only, signal)];
  const answer = await store.ranges(requests, signal);
  if (answer.ok) return answer.value;
  throw startAgain(only?.revision ?? null);
}

function startAgain(revision: Revision | null): FleetError {
  return new FleetError(`revision ${revision ?? 'newest'} cannot be read any more`, {
    code: 'registry/refused',
    retry: 'soon',
    hint: 'The store has moved on since the first page: start again.',
  });
}
