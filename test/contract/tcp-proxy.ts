import { createConnection, createServer, type Socket } from 'node:net';

/** A way to a port that can be cut (refused) or stalled (bytes swallowed, nothing is closed). */
export interface TcpProxy {
  readonly endpoint: string;
  /** Closes what is open and refuses what comes. */
  cut(): Promise<void>;
  /** Swallows everything in both directions, as a network that drops packets. */
  stall(): void;
  /** New connections work again; what was stalled stays dead. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isStalled = false;
  const server = createServer((near) => {
    sockets.add(near);
    near.on('error', () => near.destroy());
    near.on('close', () => sockets.delete(near));
    const wasStalled = isStalled;
    if (wasStalled) return near.pause();
    const far = createConnection(targetPort, '127.0.0.1');
    sockets.add(far);
    far.on('error', () => near.destroy());
    near.on('close', () => far.destroy());
    far.on('close', () => {
      sockets.delete(far);
      if (!stalled.has(near)) near.destroy();
    });
    near.on('data', (bytes) => void (stalled.has(near) || far.write(bytes)));
    far.on('data', (bytes) => void (stalled.has(near) || near.write(bytes)));
    return undefined;
  });
  const stalled = new WeakSet<Socket>();
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const cut = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    cut,
    stall: () => {
      isStalled = true;
      for (const socket of sockets) stalled.add(socket);
    },
    heal: async () => {
      isStalled = false;
      if (!server.listening) await listen(port);
    },
    close: async () => {
      if (server.listening) await cut();
    },
  };
}
