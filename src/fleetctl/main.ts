import type { Writable } from 'node:stream';
import { isatty } from 'node:tty';
import { runFleetctl } from './program.ts';

void Promise.race([runToEnd(), readerGone(process.stdout)]).then((status) => process.exit(status));

/** Runs the command and waits until all it said has left: pipes take what they can hold, no more. */
async function runToEnd(): Promise<number> {
  const status = await runFleetctl({
    args: process.argv.slice(2),
    environment: process.env,
    out: process.stdout,
    err: process.stderr,
    input: { isTTY: isatty(0), stream: () => process.stdin },
  });
  await Promise.all([flushed(process.stdout), flushed(process.stderr)]);
  return status;
}

function flushed(stream: Writable): Promise<void> {
  // Whether the last byte left or its reader did: nothing more can be done.
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/** `fleetctl list-units | head` is no mistake: who reads has seen enough. */
function readerGone(stream: Writable): Promise<number> {
  process.stderr.on('error', () => undefined); // nobody is left to tell
  return new Promise((resolve) => {
    stream.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EPIPE' ? 0 : 1));
  });
}
