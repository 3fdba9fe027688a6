/** Time as an argument: code that takes a `Clock` can be tested without waiting. */
export interface Clock {
  /** Monotonic milliseconds; only differences mean anything. */
  nowMs(): number;
  /** Wall time in milliseconds since 1970, for what people read. Never for durations. */
  wallMs(): number;
  /** Runs `run` once after `ms`, 0: when others have had a turn; returns a function that cancels. */
  after(ms: number, run: () => void): () => void;
}

/** The clock of this computer. Its monotonic time is the same in every thread of the process. */
export const systemClock: Clock = {
  nowMs: () => Number(process.hrtime.bigint()) / 1e6,
  wallMs: () => Date.now(),
  after: (ms, run) => {
    if (ms <= 0) {
      const turn = setImmediate(run); // a timer would idle for a millisecond
      return () => clearImmediate(turn);
    }
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** Ends after `ms` or on abort, whichever is first; never rejects. */
export function rest(ms: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
  });
}
