import type { StoreEvent } from './store-watch.ts';

/** How a machine is lost: a power cut, or a clean shutdown. */
export type LossKind = 'kill' | 'poweroff';

/** One line of the timeline: what was seen, and how long after the start. */
export interface Mark {
  readonly what: string;
  readonly afterMs: number;
}

/** What the timeline is about. */
export interface Loss {
  /** Monotonic ms at which the machine was killed or told to shut down. */
  readonly atMs: number;
  /** Full machine id of the lost machine. */
  readonly machineId: string;
  /** Units that ran there and fit elsewhere. */
  readonly movers: readonly string[];
  readonly wasLeader: boolean;
  /** A machine that is shut down reports its units stopped before it leaves. */
  readonly how: LossKind;
}

/** What the store must show after a loss, in the order it usually comes. */
export interface Milestone {
  readonly what: string;
  readonly test: (event: StoreEvent) => boolean;
}

/** The milestones of one loss: lease gone, new leader, then each mover placed and active. */
export function milestonesOf(loss: Loss): readonly Milestone[] {
  const isAfter = (event: StoreEvent): boolean => event.atMs >= loss.atMs;
  const gone: Milestone = {
    what: loss.how === 'kill' ? 'lease expired' : 'lease given back',
    test: (event) =>
      isAfter(event) && event.key === `machines/${loss.machineId}` && event.value === null,
  };
  const elected: Milestone = {
    what: 'new leader',
    test: (event) => isAfter(event) && event.key === 'engine/leader' && event.value !== null,
  };
  const moves = loss.movers.flatMap((unit): Milestone[] => [
    ...(loss.how === 'kill'
      ? []
      : [
          {
            what: `${unit} stopped`,
            test: (event: StoreEvent) => isAfter(event) && isStopped(event, unit, loss.machineId),
          },
        ]),
    {
      what: `${unit} placed`,
      test: (event) => isAfter(event) && isPlacedElsewhere(event, unit, loss.machineId),
    },
    {
      what: `${unit} active`,
      test: (event) => isAfter(event) && isActiveElsewhere(event, unit, loss.machineId),
    },
  ]);
  return [gone, ...(loss.wasLeader ? [elected] : []), ...moves];
}

/** The marks of all milestones the events show, in time order. */
export function marksOf(loss: Loss, events: readonly StoreEvent[]): Mark[] {
  const marks: Mark[] = [];
  for (const { what, test } of milestonesOf(loss)) {
    const event = events.find(test);
    if (event !== undefined) marks.push({ what, afterMs: event.atMs - loss.atMs });
  }
  return marks.sort((left, right) => left.afterMs - right.afterMs);
}

/** Milliseconds as people read them: `3.21 s`. */
export function secondsText(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`;
}

function isPlacedElsewhere(event: StoreEvent, unit: string, lost: string): boolean {
  if (event.key !== `placement/${unit}` || event.value === null) return false;
  const machine = fieldOf(event.value, 'machine');
  return typeof machine === 'string' && machine !== lost;
}

function isActiveElsewhere(event: StoreEvent, unit: string, lost: string): boolean {
  const [folder, machine, name] = event.key.split('/');
  if (folder !== 'state' || machine === lost || name !== unit || event.value === null) return false;
  return fieldOf(event.value, 'active') === 'active';
}

function isStopped(event: StoreEvent, unit: string, lost: string): boolean {
  if (event.key !== `state/${lost}/${unit}`) return false;
  return event.value === null || isOver(fieldOf(event.value, 'active'));
}

function isOver(active: unknown): boolean {
  return active === 'inactive' || active === 'failed';
}

function fieldOf(json: string, field: string): unknown {
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null ? Reflect.get(value, field) : undefined;
}
