import { getHeapSpaceStatistics, getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type Clock, rest } from './clock.ts';

/** When a heap is tidied. */
export const heapTidyLimits = {
  lookEveryMs: 20_000,
  /** Grown by this since it was tidied last, it is tidied again. */
  growthBytesMin: 4 * 1024 * 1024,
  /** With more old objects a pass would hold up the loop; V8 then does what it thinks best. */
  oldBytesMax: 32 * 1024 * 1024,
  /** A loop that takes more than this share of a processor is left alone. */
  busyShareMax: 0.1,
  /** V8 drops what it compiled when several collections went by without a call. */
  passCount: 4,
  passEveryMs: 1000,
} as const satisfies Readonly<Record<string, number>>;

/** What a tidy looks at and does; `thisHeap` for the thread that asks. */
export interface Heap {
  /** What V8 holds for it, used or not. */
  totalBytes(): number;
  /** Of objects that have lived through a collection: young ones may all be garbage by now. */
  oldBytes(): number;
  /** Whether the loop has had little to do since the last question. */
  isQuiet(): boolean;
  /** One full collection that also returns what is free to the system. */
  collect(): void;
}

/**
 * Gives back what starting, and later each burst of work, leaves behind: V8 by itself keeps it for
 * the next one, and most of the day there is none. Runs until `signal` aborts.
 */
export async function keepHeapTidy(heap: Heap, clock: Clock, signal: AbortSignal): Promise<void> {
  let tidyBytes = 0;
  while (!signal.aborted) {
    await rest(heapTidyLimits.lookEveryMs, clock, signal);
    const bytes = heap.totalBytes();
    const isQuiet = heap.isQuiet();
    if (!isQuiet || heap.oldBytes() > heapTidyLimits.oldBytesMax) continue;
    if (bytes < tidyBytes + heapTidyLimits.growthBytesMin) continue;
    for (let pass = 0; pass < heapTidyLimits.passCount && !signal.aborted; pass += 1) {
      heap.collect();
      await rest(heapTidyLimits.passEveryMs, clock, signal);
    }
    tidyBytes = heap.totalBytes();
  }
}

/** The heap of the thread that calls this. */
export function thisHeap(clock: Clock): Heap {
  let before = { atMs: clock.nowMs(), workMs: threadWorkMs() };
  return {
    totalBytes: () => getHeapStatistics().total_heap_size,
    oldBytes: () =>
      getHeapSpaceStatistics()
        .filter(({ space_name }) => !space_name.startsWith('new_'))
        .reduce((so, { space_used_size }) => so + space_used_size, 0),
    isQuiet: () => {
      const now = { atMs: clock.nowMs(), workMs: threadWorkMs() };
      const share = (now.workMs - before.workMs) / (now.atMs - before.atMs);
      before = now;
      return share <= heapTidyLimits.busyShareMax;
    },
    collect: () => {
      // V8 shows `gc` to contexts made after this; one that is made for a call goes with the next.
      setFlagsFromString('--expose-gc');
      runInNewContext("gc({ type: 'major', flavor: 'last-resort' })");
    },
  };
}

/** Processor time, and not the time in which a busy machine let others run. */
function threadWorkMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
