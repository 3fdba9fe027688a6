import { orAbort } from '../lib/or-abort.ts';
import { type ContentHash, contentHash } from '../unitfile/unit-hash.ts';
import type { Keys } from './keys.ts';
import { limits } from './limits.ts';
import { readKeys } from './paged-read.ts';
import type { Store } from './store.ts';
import { undecodable } from './store-guard.ts';

interface Asked {
  readonly hash: ContentHash;
  readonly answer: PromiseWithResolvers<string | null>;
}

/**
 * Reads unit texts by their hash. A machine that starts many units asks for many at once: what is
 * asked while a request is on its way goes into the next one.
 */
export class TextReader {
  readonly #store: Store;
  readonly #keys: Keys;
  #waiting: Asked[] = [];
  #isReading = false;

  constructor(store: Store, keys: Keys) {
    this.#store = store;
    this.#keys = keys;
  }

  /** The text, checked against its hash; null when it is not stored. Throws FleetError. */
  async read(hash: ContentHash, signal: AbortSignal): Promise<string | null> {
    const asked = { hash, answer: Promise.withResolvers<string | null>() };
    this.#waiting.push(asked);
    void this.#readAll(); // never rejects
    return await orAbort(asked.answer.promise, signal);
  }

  async #readAll(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    while (this.#waiting.length > 0) {
      await this.#readSome(this.#waiting.splice(0, limits.batchTextsMax));
    }
    this.#isReading = false;
  }

  /** Each of these has its answer in the end; no one of them may end the request of all. */
  async #readSome(some: readonly Asked[]): Promise<void> {
    const keys = some.map(({ hash }) => this.#keys.text(hash));
    try {
      const { items } = await readKeys(this.#store, { keys, revision: null }, never);
      for (const [index, { hash, answer }] of some.entries()) {
        const text = items[index]?.value ?? null;
        const isRight = text === null || contentHash(text) === hash;
        if (isRight) answer.resolve(text);
        else answer.reject(undecodable(this.#keys.text(hash), 'its bytes have another hash'));
      }
    } catch (error) {
      for (const { answer } of some) answer.reject(error);
    }
  }
}

const never = new AbortController().signal;
