import { invariant } from '../lib/invariant.ts';
import { byText } from '../lib/order.ts';
import { fail, ok, type Result } from '../lib/result.ts';
import type { Revision } from '../model/ids.ts';
import type {
  Compare,
  KeyRange,
  LeaseId,
  Op,
  RangeAnswer,
  RangeRequest,
  RevisionRefusal,
  StoredItem,
  WatchEvent,
} from './store.ts';

interface Version {
  readonly revision: Revision;
  /** null: deleted at this revision. */
  readonly item: StoredItem | null;
}

/** All versions of all keys, as etcd keeps them: plain, synchronous, without time. */
export class MemoryHistory {
  readonly #versions = new Map<string, Version[]>();
  #sortedKeys: string[] = [];
  #log: { readonly revision: Revision; readonly events: readonly WatchEvent[] }[] = [];
  #revision = 1n as Revision;
  #compacted = 0n as Revision;
  /** Which store this is the history of. */
  storeId: string;

  constructor(storeId = 'memory') {
    this.storeId = storeId;
  }

  get revision(): Revision {
    return this.#revision;
  }

  read(request: RangeRequest): Result<RangeAnswer, RevisionRefusal> {
    const revision = request.revision ?? this.#revision;
    if (revision > this.#revision) return fail('future');
    if (revision < this.#compacted) return fail('compacted');
    const items: StoredItem[] = [];
    let totalCount = 0;
    for (const key of this.#keysIn(request.range)) {
      const item = this.#itemAt(key, revision);
      if (item === null) continue;
      totalCount += 1;
      if (items.length >= request.limitCount) continue;
      items.push(request.keysOnly ? { ...item, value: '' } : item);
    }
    const header = { storeId: this.storeId, revision: this.#revision };
    return ok({ header, revision, items, hasMore: totalCount > items.length, totalCount });
  }

  holds(compare: Compare): boolean {
    if (compare.kind === 'empty') {
      const { range } = compare;
      return this.#keysIn(range).every((key) => this.#itemAt(key, this.#revision) === null);
    }
    const item = this.newest(compare.key);
    if (compare.kind === 'absent') return item === null;
    const at = compare.kind === 'created' ? item?.createRevision : item?.modRevision;
    return at === compare.at;
  }

  newest(key: string): StoredItem | null {
    return this.#itemAt(key, this.#revision);
  }

  /** Writes all of it in one revision; a batch that changes nothing takes none, as in etcd. */
  write(ops: readonly Op[]): readonly WatchEvent[] {
    const keys = new Set(ops.map((op) => op.key));
    invariant(keys.size === ops.length, 'store', 'a transaction writes a key twice');
    const revision = (this.#revision + 1n) as Revision;
    const events: WatchEvent[] = [];
    for (const op of ops) {
      const before = this.newest(op.key);
      if (op.kind === 'put') {
        const item: StoredItem = {
          key: op.key,
          value: op.value,
          createRevision: before?.createRevision ?? revision,
          modRevision: revision,
          leaseId: op.leaseId,
        };
        this.#record(op.key, { revision, item });
        events.push({ kind: 'put', item });
      } else if (before !== null) {
        this.#record(op.key, { revision, item: null });
        events.push({ kind: 'delete', key: op.key, revision });
      }
    }
    if (events.length === 0) return events;
    this.#revision = revision;
    this.#log.push({ revision, events });
    return events;
  }

  /** What happened in the range from that revision on, one entry a revision. */
  since(range: KeyRange, from: Revision): Result<readonly (readonly WatchEvent[])[], 'compacted'> {
    if (from <= this.#compacted) return fail('compacted');
    return ok(
      this.#log
        .filter((entry) => entry.revision >= from)
        .map((entry) => entry.events.filter((event) => contains(range, keyOf(event))))
        .filter((events) => events.length > 0),
    );
  }

  /** Forgets what was before that revision. */
  compact(at: Revision): void {
    invariant(at <= this.#revision, 'store', 'compaction of the future');
    if (at <= this.#compacted) return;
    this.#compacted = at;
    this.#log = this.#log.filter((entry) => entry.revision > at);
    for (const [key, versions] of this.#versions) {
      const keep = versions.findLastIndex((version) => version.revision <= at);
      if (keep > 0) versions.splice(0, keep);
      if (versions.length === 1 && versions[0]?.item === null) this.#versions.delete(key);
    }
    this.#sortedKeys = this.#sortedKeys.filter((key) => this.#versions.has(key));
  }

  /** What a backup of it holds: everything as it is now, without what was before. */
  copy(storeId: string): MemoryHistory {
    const copy = new MemoryHistory(storeId);
    for (const key of this.#sortedKeys) {
      const item = this.newest(key);
      if (item !== null) copy.#versions.set(key, [{ revision: item.modRevision, item }]);
    }
    copy.#sortedKeys = [...copy.#versions.keys()];
    copy.#revision = this.#revision;
    copy.#compacted = this.#revision;
    return copy;
  }

  /** The keys that hang on a lease now, sorted. */
  keysOn(leaseId: LeaseId): readonly string[] {
    return this.#sortedKeys.filter((key) => this.newest(key)?.leaseId === leaseId);
  }

  #record(key: string, version: Version): void {
    const versions = this.#versions.get(key);
    if (versions !== undefined) {
      versions.push(version);
      return;
    }
    this.#versions.set(key, [version]);
    this.#sortedKeys.splice(this.#firstNotBelow(key), 0, key);
  }

  #itemAt(key: string, revision: Revision): StoredItem | null {
    const versions = this.#versions.get(key);
    return versions?.findLast((version) => version.revision <= revision)?.item ?? null;
  }

  #keysIn(range: KeyRange): readonly string[] {
    return this.#sortedKeys.slice(this.#firstNotBelow(range.from), this.#firstNotBelow(range.to));
  }

  #firstNotBelow(key: string): number {
    let low = 0;
    let high = this.#sortedKeys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (byText(this.#sortedKeys[middle] ?? '', key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function keyOf(event: WatchEvent): string {
  return event.kind === 'put' ? event.item.key : event.key;
}

/** Whether a key lies in a range. */
export function contains(range: KeyRange, key: string): boolean {
  return byText(range.from, key) <= 0 && byText(key, range.to) < 0;
}
