import type { Order } from '../model/order.ts';
import type { UnitName } from '../unitfile/unit-name.ts';

interface OnUnit {
  readonly unit: UnitName;
  /** Why, in words for the log: no task without one. */
  readonly reason: string;
}

/** One step for one unit. */
export type Task =
  /** Delete its receipt: from now on it counts as never started. */
  | (OnUnit & { readonly kind: 'forget' })
  /** Make systemd forget that it failed. */
  | (OnUnit & { readonly kind: 'reset' })
  /** Remove everything of ours from disk. */
  | (OnUnit & { readonly kind: 'remove' })
  /** Write the order's text, its drop-in and its record. */
  | (OnUnit & { readonly kind: 'write'; readonly order: Order })
  /** The text on disk is the order's: write only its record. */
  | (OnUnit & { readonly kind: 'record'; readonly order: Order })
  /** It runs already, from the order's text: write its receipt. */
  | (OnUnit & { readonly kind: 'receipt'; readonly order: Order })
  /** Write what makes systemd stop it when the machine is cut off, with its fencing token. */
  | (OnUnit & { readonly kind: 'guard'; readonly order: Order })
  /** Make its file known to systemd. */
  | (OnUnit & { readonly kind: 'link' })
  /** Make the links of its `[Install]` section, or take old ones back; one reload for all. */
  | (OnUnit & { readonly kind: 'install' })
  /** systemd holds an older text in memory: one reload for all such units. */
  | (OnUnit & { readonly kind: 'reload' })
  /** A stop job. */
  | (OnUnit & { readonly kind: 'stop' })
  /** A start job, and the receipt when it ends well. `isRestart`: a stop of ours comes before it. */
  | (OnUnit & { readonly kind: 'start'; readonly order: Order; readonly isRestart?: true });

/** Every kind in the order in which kinds are carried out; jobs come last and take long. */
export const taskStages = [
  ['forget', 'reset', 'remove'],
  ['write', 'record', 'receipt'],
  ['guard'],
  ['link'],
  ['install', 'reload'],
  ['stop', 'start'],
] as const satisfies readonly (readonly Task['kind'][])[];

/** The place of a task's kind in `taskStages`. */
export function stageOf(task: Task): number {
  return taskStages.findIndex((kinds) => kinds.some((kind) => kind === task.kind));
}

/** Whether a task is a job of systemd's and may take minutes. */
export function isJob(task: Task): boolean {
  return task.kind === 'stop' || task.kind === 'start';
}

/** Tasks of one unit, in order. Units are independent of each other. */
export interface UnitPlan {
  readonly unit: UnitName;
  readonly tasks: readonly Task[];
}

/** What to do now, and when to look again if nothing happens before. */
export interface MachinePlan {
  readonly units: readonly UnitPlan[];
  /** Units that wait, and for what; sorted by name. */
  readonly waits: readonly { readonly unit: UnitName; readonly reason: string }[];
  /** On the plan's own clock; null when only events count. */
  readonly nextMs: number | null;
}
