import type { Clock } from '../lib/clock.ts';
import { orAbort } from '../lib/or-abort.ts';
import { JobSlots } from './job-slots.ts';
import { agentLimits } from './limits.ts';
import type { JobResult } from './systemd.ts';

/** Asks systemd for a job; answers with its object path, or null when there is nothing to do. */
export type QueueJob = () => Promise<string | null>;

interface Waiter {
  resolve(result: JobResult): void;
  reject(error: Error): void;
}

/**
 * Jobs of systemd, from the call that queues one to the signal that ends it. The signal may come
 * before the call is answered, and one job has several waiters when systemd merges calls.
 */
export class DbusJobs {
  readonly #starts: JobSlots;
  readonly #stops: JobSlots;
  readonly #waiters = new Map<string, Waiter[]>();
  /** Ends of jobs that came while some call was not answered yet: they may be its own. */
  readonly #early = new Map<string, JobResult>();
  #callCount = 0;
  #closed: Error | null = null;

  constructor(clock: Clock) {
    const fast = {
      fastCountMax: agentLimits.jobFastCountMax,
      fastMsMax: agentLimits.jobFastMsMax,
    };
    this.#starts = new JobSlots({ ...fast, slowCountMax: agentLimits.startSlowCountMax }, clock);
    this.#stops = new JobSlots({ ...fast, slowCountMax: agentLimits.stopSlowCountMax }, clock);
  }

  /**
   * Waits for a slot among starts, queues the job and waits for its end. An abort ends the wait;
   * the slot of a job that systemd already has is held until that job ends.
   */
  start(queue: QueueJob, signal: AbortSignal): Promise<JobResult> {
    return orAbort(
      this.#starts.run(() => this.#queueAndWait(queue), signal),
      signal,
    );
  }

  /** As `start`, among stops: they never wait for starts. */
  stop(queue: QueueJob, signal: AbortSignal): Promise<JobResult> {
    return orAbort(
      this.#stops.run(() => this.#queueAndWait(queue), signal),
      signal,
    );
  }

  /** Takes a `JobRemoved` signal. */
  ended(path: string, result: JobResult): void {
    const waiters = this.#waiters.get(path) ?? [];
    this.#waiters.delete(path);
    if (this.#callCount > 0) this.#early.set(path, result);
    for (const waiter of waiters) waiter.resolve(result);
  }

  /** The connection is over: nobody will hear how these jobs end. */
  close(error: Error): void {
    this.#closed = error;
    const waiters = [...this.#waiters.values()].flat();
    this.#waiters.clear();
    for (const waiter of waiters) waiter.reject(error);
  }

  async #queueAndWait(queue: QueueJob): Promise<JobResult> {
    this.#callCount += 1;
    let path: string | null;
    let result: JobResult | undefined;
    try {
      path = await queue();
      result = path === null ? 'done' : this.#early.get(path);
    } finally {
      this.#callCount -= 1;
      if (this.#callCount === 0) this.#early.clear();
    }
    return result ?? (await this.#wait(path ?? ''));
  }

  #wait(path: string): Promise<JobResult> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) reject(this.#closed);
      const waiters = this.#waiters.get(path) ?? [];
      this.#waiters.set(path, [...waiters, { resolve, reject }]);
    });
  }
}
