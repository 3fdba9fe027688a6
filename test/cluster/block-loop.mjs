// Loaded into a fleetd of a test by NODE_OPTIONS=--import: blocks its main loop on demand, which
// nothing in fleetd itself can. Writing a number of milliseconds into the file begins it.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = '/run/block-fleetd';
const lookEveryMs = 50;

if (isMainThread) setInterval(look, lookEveryMs).unref();

function look() {
  if (!existsSync(file)) return;
  const ms = Number(readFileSync(file, 'utf8'));
  rmSync(file);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
