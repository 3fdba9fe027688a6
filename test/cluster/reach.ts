import { connect } from 'node:net';

/** How an attempt to connect ended; `silence` when nothing at all came back in time. */
export type Reach = 'connected' | 'silence' | (string & {});

/** Tries a TCP connection and says how it ended: an error's code when it was answered with one. */
export function reach(address: string, port: number, silenceMs: number): Promise<Reach> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: silenceMs });
    const end = (how: Reach): void => {
      socket.destroy();
      resolve(how);
    };
    socket.once('connect', () => end('connected'));
    socket.once('timeout', () => end('silence'));
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}
