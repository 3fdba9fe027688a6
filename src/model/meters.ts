import type { UnitName } from '../unitfile/unit-name.ts';
import type { Decision } from './change.ts';
import type { LeaderSession } from './ledger.ts';

/** How a pass of the leader ended; `failed`: the store was in the way. */
export type PassEnd = 'settled' | 'overtaken' | 'deposed' | 'failed';

/** Who is told what the engine does; must neither throw nor wait. */
export interface EngineMeter {
  termBegan(session: LeaderSession): void;
  termEnded(): void;
  passEnded(end: PassEnd, tookMs: number): void;
  /** A decision is in the store. */
  committed(decision: Decision): void;
  /** A unit got another machine, so long after the change that called for it. */
  placed(waitedMs: number): void;
  /** A decision fits into no transaction. */
  gaveUp(decision: Decision): void;
}

/** What an agent is about, after a pass. */
export interface AgentPass {
  readonly tookMs: number;
  /** Units with a job of ours, waiting for its turn or under way. */
  readonly busy: ReadonlyMap<UnitName, 'start' | 'stop'>;
  /** Units that wait, and for what. */
  readonly waits: readonly { readonly unit: UnitName; readonly reason: string }[];
}

/** Who is told what the agent does; must neither throw nor wait. */
export interface AgentMeter {
  passEnded(pass: AgentPass): void;
  /** systemd was asked for a job. `isCalledFor`: the unit's order, as known now, asks for it. */
  askedFor(job: 'start' | 'stop', isCalledFor: boolean): void;
  taskFailed(kind: string): void;
  /** Hands over, once, how to see how many reports wait for the store. */
  canCountReports(waitingCount: () => number): void;
}
