import { createServer, type Server } from 'node:net';
import { FleetError } from '../lib/error.ts';

/**
 * Held for the daemon's life, so that no second one shares its lease. An abstract socket: the kernel
 * frees it with the process, however that ends, and a stopped process (SIGSTOP) still holds it.
 */
export async function takeDaemonLock(runDirectory: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      reject(
        new FleetError(`another fleetd runs on this machine (${error.message})`, {
          code: 'config/invalid',
          retry: 'never',
          hint: 'see systemctl status fleet.service',
          cause: error,
        }),
      );
    });
    server.listen(`\0fleetd:${runDirectory}`, resolve);
  });
  server.unref();
  return server;
}
