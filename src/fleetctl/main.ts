import { isatty } from 'node:tty';
import { flushed, readerGone } from '../lib/flushed.ts';
import { runFleetctl } from './program.ts';

process.stderr.on('error', () => undefined); // nobody is left to tell
void Promise.race([runToEnd(), readerGone(process.stdout)]).then((status) => process.exit(status));

/** Runs the command and waits until all it said has left. */
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
