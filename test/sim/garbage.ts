import type { Revision } from '../../src/model/ids.ts';
import type { MemoryStore } from '../../src/registry/memory-store.ts';
import { oneKey, type StoredItem } from '../../src/registry/store.ts';
import type { Random } from './random.ts';
import type { Trace } from './trace.ts';
import type { Witness } from './witness.ts';

const never = new AbortController().signal;
const texts = ['{"half":', '', '{"format":99,"what":"of tomorrow"}', '[]'] as const;

/** Keys that hold what nobody understands, until somebody corrects them. */
export class Garbage {
  readonly #store: MemoryStore;
  readonly #witness: Witness;
  readonly #trace: Trace;
  readonly #spoiled = new Map<string, { readonly before: StoredItem; readonly at: Revision }>();

  constructor(store: MemoryStore, witness: Witness, trace: Trace) {
    this.#store = store;
    this.#witness = witness;
    this.#trace = trace;
  }

  /** Spoils a key of some kind. */
  async spoil(random: Random): Promise<void> {
    const range = this.#witness.keys.everything;
    const request = { range, limitCount: 10_000, revision: null, keysOnly: false };
    const answer = await this.#store.range(request, never);
    const items = answer.ok ? answer.value.items : [];
    const { keys } = this.#witness;
    const kinds = [...new Set(items.map(({ key }) => keys.meaning(key).kind))];
    if (kinds.length === 0) return;
    const kind = random.pick(kinds);
    const before = random.pick(items.filter(({ key }) => keys.meaning(key).kind === kind));
    if (this.#spoiled.has(before.key)) return;
    this.#trace.say('FAULT', `spoils ${before.key}`);
    const at = await this.#put({ ...before, value: random.pick(texts) });
    if (at !== null) this.#spoiled.set(before.key, { before, at });
  }

  /** Puts back what is still spoiled. */
  async correct(): Promise<void> {
    for (const [key, { before, at }] of [...this.#spoiled]) {
      this.#spoiled.delete(key);
      const request = { range: oneKey(key), limitCount: 1, revision: null, keysOnly: false };
      const answer = await this.#store.range(request, never);
      const now = answer.ok ? answer.value.items[0] : undefined;
      if (now?.modRevision === at) await this.#put(before);
    }
  }

  async #put({ key, value, leaseId }: StoredItem): Promise<Revision | null> {
    this.#witness.outside.add(key); // no daemon did it
    const put = { kind: 'put', key, value, leaseId } as const;
    try {
      const { revision } = await this.#store.txn({ onlyIf: [], writes: [put] }, never);
      return revision;
    } catch {
      return null; // its lease has just run out
    }
  }
}
