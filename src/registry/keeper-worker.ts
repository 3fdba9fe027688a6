// The keeper thread: what it loads must be Node's own, it runs from a string in a single executable.
import { readFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../lib/clock.ts';
import { keepHeapTidy, thisHeap } from '../lib/heap-tidy.ts';
import { Keeper } from './keeper.ts';
import type { KeeperOrder, KeeperStart } from './keeper-words.ts';
import { LeaseWire } from './lease-wire.ts';
import { SharedSigns } from './vital-signs.ts';

const start = workerData as KeeperStart;
const signs = new SharedSigns(start.signs);

const keeper = new Keeper({
  clock: systemClock,
  wire: new LeaseWire({ ...start, clock: systemClock }),
  signs: () => signs.read(),
  bootMs,
  wedgeMs: start.wedgeMs,
  leaderKey: start.leaderKey,
  tell: (report) => parentPort?.postMessage(report),
  say,
});
parentPort?.on('message', (order: KeeperOrder) => keeper.obey(order));
void keepHeapTidy(thisHeap(systemClock), systemClock, new AbortController().signal); // never rejects

/** CLOCK_BOOTTIME, which goes on while the machine sleeps. */
function bootMs(): number {
  return Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
}

/** Straight to the journal, as a warning: the thread's own stderr waits for the main one. */
function say(line: string): void {
  try {
    writeSync(2, `<4>fleetd: ${line}\n`);
  } catch {
    // A journal that takes nothing must not end the keeper.
  }
}
