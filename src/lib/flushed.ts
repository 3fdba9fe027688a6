import type { Writable } from 'node:stream';

/**
 * Ends when all that was written to a stream has left it, or its reader has: a pipe takes what it
 * can hold, and `process.exit` cuts off the rest.
 */
export function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()));
}

/**
 * Ends when nobody reads any more from a stream: with 0 when its reader has seen enough, as in
 * `PROGRAM | head`, and 1 after any other trouble. Nothing can be told to anybody then.
 */
export function readerGone(stream: Writable): Promise<number> {
  return new Promise((resolve) => {
    stream.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EPIPE' ? 0 : 1));
  });
}
