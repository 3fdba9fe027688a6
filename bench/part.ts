// bench: what Flotilla costs, each figure beside a baseline or a limit taken in the same run.
// A part is one file of parts/ that exports `part`; its file name is what `npm run bench` calls it.
// Start here, then one part such as parts/list-units.ts; goal.ts judges, run.ts runs.
import type { LabContext } from '../src/lab/lab.ts';

/** `full` is judged and kept; `small` is the shortest run that shows that a part works. */
export type Size = 'full' | 'small';

/** One thing that was measured. */
export interface Figure {
  /** Such as `100 units: start until all active`; unique among the rows of a part. */
  readonly what: string;
  readonly value: number;
  /** Such as `ms`, `MB`, `/s`, `% of a core`. */
  readonly unit: string;
}

/** A figure, what it is held against, and whether that is met. Made with `goal.ts`. */
export interface Row extends Figure {
  /** The baseline or the limit, measured in the same run; null when there is none. */
  readonly beside: Figure | null;
  /** In words: `at most 1.25 × beside`. null: only told. */
  readonly goal: string | null;
  readonly isMet: boolean | null;
}

/** What a part is given. */
export interface Bench {
  readonly size: Size;
  /** Tells on stderr how it goes, one line a step. */
  say(line: string): void;
  /**
   * Three real machines, TTL 3 s, an etcd member on each. Booted for the first part that asks,
   * shared by all of one run and taken down after the last: leave no units and no dead machine.
   */
  lab(): Promise<LabContext>;
}

/** A part of the benchmarks. */
export interface BenchPart {
  /** One line for `npm run bench -- --list`. */
  readonly measures: string;
  /** Throws when what it does went wrong; a goal that is missed is a row like any other. */
  measure(bench: Bench): Promise<readonly Row[]>;
}
