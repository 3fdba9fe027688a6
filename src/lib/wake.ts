import type { Clock } from './clock.ts';

/** An event says only "look again". `Wake` remembers that one was said until the next look. */
export class Wake {
  #nudged = false;
  #end: (() => void) | null = null;

  /** Ends the current or the next rest at once. */
  nudge(): void {
    this.#nudged = true;
    this.#end?.();
  }

  /** Call before looking: what is said from now on counts for the next look. */
  clear(): void {
    this.#nudged = false;
  }

  /**
   * Ends on a nudge, on abort, or after `ms` (`null`: only on a nudge or abort). Never rejects and
   * leaves no timer or listener behind. One rest at a time.
   */
  rest(ms: number | null, clock: Clock, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancel?.();
        signal.removeEventListener('abort', end);
        this.#end = null;
        resolve();
      };
      const cancel = ms === null ? null : clock.after(ms, end);
      signal.addEventListener('abort', end, { once: true });
      this.#end = end;
      if (this.#nudged || signal.aborted) end();
    });
  }
}
