/** One thing that is done to a machine, and why. A plan is a list of them. */
export type Step = FileStep | LinkStep | UnmaskStep | RunStep;

/** What a change sets in motion later in the plan. */
export type Change = 'units' | 'network';

/** A file with this content and mode; left alone when it is so already. */
export interface FileStep {
  readonly kind: 'file';
  readonly path: string;
  readonly content: Buffer;
  readonly mode: number;
  /** `USER` or `USER:GROUP`; null for whoever runs this. */
  readonly owner: string | null;
  readonly change: Change | null;
  /** Of a folder that belongs to a user: made as theirs, and never followed when it is a link. */
  readonly isInHome: boolean;
  /** Of a folder that an earlier step makes: nothing may be made there before. */
  readonly isLate: boolean;
  readonly reason: string;
}

/** A symbolic link in place of whatever stands there. */
export interface LinkStep {
  readonly kind: 'link';
  readonly path: string;
  readonly target: string;
  readonly change: Change | null;
  readonly reason: string;
}

/** Removes a file when it masks a unit: when it is empty, or a link to /dev/null. */
export interface UnmaskStep {
  readonly kind: 'unmask';
  readonly path: string;
  readonly reason: string;
}

/** A command. */
export interface RunStep {
  readonly kind: 'run';
  readonly argv: readonly string[];
  /** For its standard input, and never shown: it may be a secret. */
  readonly input: string | null;
  /** `always`, or only after a step has changed something of this kind. */
  readonly when: 'always' | Change;
  /** What else depends on it: nothing goes on after it, or everything. */
  readonly onFailure: 'stop' | 'go-on';
  readonly reason: string;
}

export function fileStep(
  path: string,
  content: string | Buffer,
  reason: string,
  more: Partial<Pick<FileStep, 'mode' | 'owner' | 'change' | 'isInHome' | 'isLate'>> = {},
): FileStep {
  return {
    kind: 'file',
    ...{ path, content: Buffer.from(content), reason },
    ...{ mode: 0o644, owner: null, change: null, ...{ isInHome: false, isLate: false }, ...more },
  };
}

export function runStep(
  argv: readonly string[],
  reason: string,
  more: Partial<Pick<RunStep, 'input' | 'when' | 'onFailure'>> = {},
): RunStep {
  return { kind: 'run', argv, reason, input: null, when: 'always', onFailure: 'go-on', ...more };
}
