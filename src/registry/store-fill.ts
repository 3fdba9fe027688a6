import type { StoreSpace } from './store.ts';

/** `filling`: people should look after it; `full`: it takes no more writes. */
export type FillState = 'fine' | 'filling' | 'full';

const limits = {
  /** etcd's own default is 2 GiB, and so is that of the etcd.service that we ship. */
  quotaBytes: 2 * 1024 ** 3,
  /** From here on people are told. */
  fillingPercentMin: 60,
} as const;

/** How full the store is, as far as this daemon knows: by looking, and by what writes met. */
export class StoreFill {
  /** The size at which etcd stops, as configured: etcd 3.4 does not tell it. */
  readonly quotaBytes: number;
  readonly #listeners = new Set<() => void>();
  #sizeBytes: number | null = null;
  #isFull = false;

  constructor(quotaBytes: number = limits.quotaBytes) {
    this.quotaBytes = quotaBytes;
  }

  /** null: nobody looked yet. */
  get sizeBytes(): number | null {
    return this.#sizeBytes;
  }

  get percent(): number {
    return Math.floor((100 * (this.#sizeBytes ?? 0)) / this.quotaBytes);
  }

  get state(): FillState {
    if (this.#isFull) return 'full';
    return this.percent >= limits.fillingPercentMin ? 'filling' : 'fine';
  }

  /** Called when `state` has changed. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Somebody looked. */
  saw({ sizeBytes, isFull }: StoreSpace): void {
    this.#change(() => {
      this.#sizeBytes = sizeBytes;
      this.#isFull = isFull;
    });
  }

  /** A write met a full store, or was taken. */
  met(isFull: boolean): void {
    if (isFull !== this.#isFull) {
      this.#change(() => {
        this.#isFull = isFull;
      });
    }
  }

  #change(run: () => void): void {
    const before = this.state;
    run();
    if (this.state === before) return;
    for (const listener of [...this.#listeners]) listener();
  }
}
