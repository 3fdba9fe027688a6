import { Worker } from 'node:worker_threads';
import { type Clock, rest } from '../lib/clock.ts';
import { messageOf } from '../lib/error.ts';
import type { Revision } from '../model/ids.ts';
import type { KeeperOrder, KeeperReport, KeeperStart } from './keeper-words.ts';
import type { KeeperCounts, KeptLease, LeaseEvents, LeaseKeeper } from './lease-keeper.ts';
import { limits } from './limits.ts';
import { RequestCounter } from './request-counter.ts';
import { SharedSigns } from './vital-signs.ts';

/** Where the thread's program is: in a string (bundled) or in a file (a checkout). */
export type KeeperCode =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

/** What a keeper thread needs. */
export interface KeeperThreadOptions extends Omit<KeeperStart, 'signs'> {
  readonly code: KeeperCode;
  readonly clock: Clock;
}

interface Kept {
  readonly lease: KeptLease;
  readonly number: number;
  readonly events: LeaseEvents;
}

/** Renews in a thread of its own, which load on the main one cannot hold up. */
export class KeeperThread implements LeaseKeeper {
  /** Renewals are counted here. */
  readonly counter = new RequestCounter();
  readonly firstMember: number;
  readonly #options: KeeperThreadOptions;
  readonly #signs = new SharedSigns();
  readonly #ending = new AbortController();
  readonly #counts = { loop: 0, systemd: 0, stoodDown: 0, slept: 0, restarts: 0 };
  readonly #waiting = new Set<() => void>();
  #worker: Worker | null = null;
  #kept: Kept | null = null;
  #keptCount = 0;
  #term: string | null = null;
  #member: string | null = null;
  #failed: (endpoint: string, sentAtMs: number) => void = () => undefined;

  constructor(options: KeeperThreadOptions) {
    this.#options = options;
    this.firstMember = options.firstMember;
  }

  keep(lease: KeptLease, events: LeaseEvents): () => void {
    return this.#begin(lease, events, false);
  }

  /** As `keep`, but renews at once: for a lease of the process before. */
  resume(lease: KeptLease, events: LeaseEvents): () => void {
    return this.#begin(lease, events, true);
  }

  lead(term: Revision | null): void {
    this.#term = term === null ? null : String(term);
    this.#order({ kind: 'lead', term: this.#term });
  }

  /** Watches go over that member: so should renewals. */
  useMember(endpoint: string): void {
    this.#member = endpoint;
    this.#order({ kind: 'member', endpoint });
  }

  /** Called when a renewal that was sent to that member at that time failed. */
  onFailure(listener: (endpoint: string, sentAtMs: number) => void): void {
    this.#failed = listener;
  }

  mayHold(signal: AbortSignal): Promise<void> {
    const { systemdAtMs } = this.#signs.read();
    const { clock, wedgeMs } = this.#options;
    if (systemdAtMs === null || clock.nowMs() - systemdAtMs <= wedgeMs) return Promise.resolve();
    return new Promise((resolve) => {
      const finish = (): void => {
        this.#waiting.delete(finish);
        signal.removeEventListener('abort', finish);
        resolve();
      };
      this.#waiting.add(finish);
      signal.addEventListener('abort', finish, { once: true });
      if (signal.aborted) finish();
    });
  }

  expectSystemd(): void {
    this.systemdAnswered();
  }

  systemdAnswered(): void {
    this.#signs.systemdAnswered(this.#options.clock.nowMs());
    for (const finish of [...this.#waiting]) finish();
  }

  counts(): KeeperCounts {
    const { loop, systemd, stoodDown, slept, restarts } = this.#counts;
    return {
      withheld: { loop, systemd },
      ...{ stoodDownCount: stoodDown, sleptCount: slept, restartCount: restarts },
    };
  }

  close(): void {
    this.#ending.abort();
    this.#kept = null;
    void this.#worker?.terminate(); // its end is nobody's concern any more
    this.#worker = null;
  }

  #begin(lease: KeptLease, events: LeaseEvents, atOnce: boolean): () => void {
    this.#keptCount += 1;
    const kept = { lease, number: this.#keptCount, events };
    this.#kept = kept;
    this.#signs.loopTurned(this.#options.clock.nowMs());
    if (this.#worker === null) this.#start();
    // What is kept anew may have been answered by a member of another etcd.
    if (this.#member !== null) this.#order({ kind: 'member', endpoint: this.#member });
    this.#order({ kind: 'keep', number: kept.number, ...lease, atOnce });
    return () => {
      if (this.#kept !== kept) return;
      this.#kept = null;
      this.#order({ kind: 'let-go' });
    };
  }

  #order(order: KeeperOrder): void {
    this.#worker?.postMessage(order);
  }

  #start(): void {
    if (this.#ending.signal.aborted) return;
    const { code, clock: _clock, ...start } = this.#options;
    const workerData: KeeperStart = { ...start, signs: this.#signs.memory };
    const worker = new Worker(code.kind === 'text' ? code.text : code.path, {
      name: 'fleet-keeper',
      eval: code.kind === 'text',
      workerData,
      // Nothing of the daemon's own surroundings: what loads there must not reach the keeper.
      env: {},
      execArgv: [],
      resourceLimits: keeperMemory,
    });
    worker.unref();
    worker.on('message', (report: KeeperReport) => this.#take(report));
    worker.on('error', (error) => this.#fell(worker, messageOf(error)));
    worker.on('exit', (status) => this.#fell(worker, `ended with status ${status}`));
    this.#worker = worker;
  }

  /** It must not end; if it does, another one goes on. */
  #fell(worker: Worker, problem: string): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#counts.restarts += 1;
    this.#kept?.events.failed(`the keeper thread failed: ${problem}`);
    void this.#startAgain(); // never rejects
  }

  async #startAgain(): Promise<void> {
    const { signal } = this.#ending;
    await rest(limits.retryMaxMs, this.#options.clock, signal);
    if (signal.aborted || this.#worker !== null) return;
    this.#start();
    if (this.#member !== null) this.#order({ kind: 'member', endpoint: this.#member });
    this.#order({ kind: 'lead', term: this.#term });
    const kept = this.#kept;
    if (kept === null) return;
    this.#order({ kind: 'keep', number: kept.number, ...kept.lease, atOnce: true });
  }

  /** Taking a report is what shows that this loop turns. */
  #take(report: KeeperReport): void {
    this.#signs.loopTurned(this.#options.clock.nowMs());
    this.#count(report);
    if (report.kind === 'failed') this.#failed(report.endpoint, report.sentAtMs);
    if (report.number !== this.#kept?.number) return;
    const { events } = this.#kept;
    switch (report.kind) {
      case 'answered':
        events.answered(report);
        break;
      case 'failed':
        events.failed(report.problem);
        break;
      case 'withheld':
        if (report.isNew) events.failed(withheldWords[report.why]);
        break;
      case 'gone':
        events.gone(false);
        break;
      case 'slept':
        events.gone(true);
        break;
      case 'stood-down':
        break; // the session sees it in the store
    }
  }

  #count(report: KeeperReport): void {
    if (report.kind === 'answered') this.counter.sent('renewal');
    if (report.kind === 'failed') {
      this.counter.sent('renewal');
      this.counter.failed('renewal');
    }
    if (report.kind === 'withheld' && report.isNew) this.#counts[report.why] += 1;
    if (report.kind === 'stood-down') this.#counts.stoodDown += 1;
    if (report.kind === 'slept') this.#counts.slept += 1;
  }
}

/** Enough for a few connections; see bench/keeper-memory.ts. */
const keeperMemory = {
  maxOldGenerationSizeMb: 16,
  maxYoungGenerationSizeMb: 2,
  codeRangeSizeMb: 8,
  stackSizeMb: 1,
} as const;

const withheldWords = {
  loop: 'withheld: the main loop was stuck for wedge_seconds',
  systemd: 'withheld: systemd has not answered the agent for wedge_seconds',
} as const;
