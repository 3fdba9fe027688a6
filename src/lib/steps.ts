import { type Clock, rest } from './clock.ts';
import { WideSet } from './wide-map.ts';

/**
 * Work that stops now and then, so that whoever does it can see to other things in between. It never
 * waits for anything, and its result does not depend on where it stops.
 */
export type Steps<Result = void> = Generator<void, Result, void>;

/** Does all of it at once. */
export function finished<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/**
 * Does it in turns of at most `turnMs` and lets others have theirs in between; null when `signal`
 * aborted before the end.
 */
export async function inTurns<Result>(
  steps: Steps<Result>,
  turnMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<Result | null> {
  let beganAtMs = clock.nowMs();
  for (let count = 1; ; count += 1) {
    const { done, value } = steps.next();
    if (done === true) return value;
    if (count % limits.stepsPerLook !== 0 || clock.nowMs() - beganAtMs < turnMs) continue;
    await rest(0, clock, signal);
    if (signal.aborted) return null;
    beganAtMs = clock.nowMs();
  }
}

const limits = { runCount: 1024, mergeCount: 512, gatherCount: 256, stepsPerLook: 16 } as const;

/** All of these names together, each once. */
export function* gathered<Name extends string>(
  ...sources: readonly Iterable<Name>[]
): Steps<WideSet<Name>> {
  const all = new WideSet<Name>();
  let count = 0;
  for (const source of sources) {
    for (const item of source) {
      all.add(item);
      count += 1;
      if (count % limits.gatherCount === 0) yield;
    }
  }
  return all;
}

/** The items in order; equal ones as they came. */
export function* sorted<Item>(
  items: Iterable<Item>,
  compare: (left: Item, right: Item) => number,
): Steps<readonly Item[]> {
  let run: Item[] = [];
  let runs: (readonly Item[])[] = [run];
  for (const item of items) {
    if (run.length === limits.runCount) {
      run.sort(compare);
      run = [];
      runs.push(run);
      yield;
    }
    run.push(item);
  }
  run.sort(compare);
  while (runs.length > 1) {
    const longer: (readonly Item[])[] = [];
    for (let index = 0; index < runs.length; index += 2) {
      const [left = [], right = []] = [runs[index], runs[index + 1]];
      longer.push(yield* merged(left, right, compare));
    }
    runs = longer;
  }
  return runs[0] ?? [];
}

function* merged<Item>(
  left: readonly Item[],
  right: readonly Item[],
  compare: (left: Item, right: Item) => number,
): Steps<readonly Item[]> {
  const items: Item[] = [];
  let [leftIndex, rightIndex] = [0, 0];
  while (items.length < left.length + right.length) {
    const [one, other] = [left[leftIndex], right[rightIndex]];
    const isLeft = other === undefined || (one !== undefined && compare(one, other) <= 0);
    items.push((isLeft ? one : other) as Item);
    if (isLeft) leftIndex += 1;
    else rightIndex += 1;
    if (items.length % limits.mergeCount === 0) yield;
  }
  return items;
}
