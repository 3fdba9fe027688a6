import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { labFailed } from './trouble.ts';

const limits = { waitMs: 180_000, greetingBytesMax: 200 } as const;

/** Who holds a lab's lock. */
interface Holder {
  readonly words: string;
  readonly gone: Promise<void>;
}

/**
 * Does `work` while no other command changes that lab; waits for one that does, and says so once.
 *
 * The lock is a listening socket in the kernel's abstract namespace: it falls when its process
 * dies, however it dies, and whoever waits learns that at once and can ask for its holder's pid.
 */
export async function withLock<T>(
  lock: { readonly lab: string; readonly purpose: string },
  say: (line: string) => void,
  work: () => Promise<T>,
): Promise<T> {
  const address = `\0flotilla-lab/${lock.lab}`;
  const deadlineMs = performance.now() + limits.waitMs;
  let release = await listen(address, lock.purpose);
  while (release === null) {
    const holder = await meet(address);
    if (holder !== null) {
      say(`waiting for ${holder.words} to end`);
      await orTimeout(holder.gone, deadlineMs - performance.now(), holder.words);
    }
    release = await listen(address, lock.purpose);
  }
  try {
    return await work();
  } finally {
    await release();
  }
}

/** Takes the lock; null when somebody else has it. The value gives it back. */
function listen(address: string, purpose: string): Promise<(() => Promise<void>) | null> {
  const waiting = new Set<Socket>();
  const server = createServer((socket) => {
    waiting.add(socket);
    socket.unref();
    socket.on('error', () => socket.destroy());
    socket.on('close', () => waiting.delete(socket));
    socket.write(`fleetlab ${purpose} (pid ${process.pid})\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(null);
      else reject(labFailed(`the lab cannot be locked: ${error.message}`, 'try again', error));
    });
    server.listen({ path: address }, () => {
      server.unref();
      resolve(() => close(server, waiting));
    });
  });
}

function close(server: Server, waiting: ReadonlySet<Socket>): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of waiting) socket.destroy();
  });
}

/** Connects to the lock's holder; null when it has just let go. */
function meet(address: string): Promise<Holder | null> {
  const socket = connect({ path: address });
  let end = (): void => {
    socket.destroy();
  };
  const gone = new Promise<void>((resolve) => {
    end = resolve;
  });
  socket.on('close', () => end());
  return new Promise((resolve) => {
    socket.once('error', () => resolve(null));
    socket.once('data', (data) => {
      resolve({ words: data.toString().slice(0, limits.greetingBytesMax).trim(), gone });
    });
    socket.once('close', () => resolve(null));
  });
}

async function orTimeout(gone: Promise<void>, timeoutMs: number, words: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const refuse = (): void =>
      reject(labFailed(`${words} still works on this lab`, 'end that command, then try again'));
    timer = setTimeout(refuse, Math.max(0, timeoutMs));
  });
  await Promise.race([gone, late]).finally(() => clearTimeout(timer));
}
