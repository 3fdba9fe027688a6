import { applyDecisions } from '../../src/model/apply-decisions.ts';
import type { Decision } from '../../src/model/change.ts';
import type { ClusterPicture } from '../../src/model/cluster-picture.ts';
import type { MachineId, Revision } from '../../src/model/ids.ts';
import type { CommitOutcome, Election, LeaderSession } from '../../src/model/ledger.ts';

/** A leader's session over a picture in memory, whose next outcomes a test may choose. */
export class MemorySession implements LeaderSession {
  readonly term: Revision;
  readonly batches: (readonly Decision[])[] = [];
  /** What the next commits answer instead of `committed`; an error is thrown. */
  readonly answers: (CommitOutcome | Error)[] = [];
  /** Whose lease is not renewed. */
  readonly overdue = new Set<MachineId>();
  isClosed = false;
  #picture: ClusterPicture;
  #isLive = true;
  #nudges: (() => void)[] = [];

  constructor(picture: ClusterPicture, term = 1n) {
    this.#picture = picture;
    this.term = term as Revision;
  }

  picture(): ClusterPicture {
    return this.#picture;
  }

  /** Somebody else changed the cluster. */
  show(picture: ClusterPicture): void {
    this.#picture = picture;
    for (const nudge of this.#nudges) nudge();
  }

  async commit(decisions: readonly Decision[]): Promise<CommitOutcome> {
    const answer = this.answers.shift() ?? 'committed';
    if (answer instanceof Error) throw answer;
    if (answer === 'deposed') this.#isLive = false;
    if (answer !== 'committed') return answer;
    this.batches.push(decisions);
    this.show(applyDecisions(this.#picture, decisions));
    return answer;
  }

  onChange(nudge: () => void): void {
    this.#nudges.push(nudge);
  }

  absenceCountsInMs(): number {
    return 0;
  }

  async overdueMachines(): Promise<ReadonlySet<MachineId>> {
    return this.overdue;
  }

  absentForMs(): number {
    return 0;
  }

  isLive(): boolean {
    return this.#isLive;
  }

  /** Another term begins elsewhere. */
  depose(): void {
    this.#isLive = false;
    for (const nudge of this.#nudges) nudge();
  }

  async close(): Promise<void> {
    this.#isLive = false;
    this.isClosed = true;
  }
}

/** Hands these sessions out, one term after the other; then nobody is elected any more. */
export function electionOf(...sessions: readonly MemorySession[]): Election {
  const terms = [...sessions];
  return {
    lead: (signal) => {
      const session = terms.shift();
      if (session !== undefined) return Promise.resolve(session);
      return new Promise((resolve) => {
        if (signal.aborted) resolve(null);
        signal.addEventListener('abort', () => resolve(null), { once: true });
      });
    },
  };
}
