import { chmodSync, unlinkSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect } from 'node:net';
import { FleetError, messageOf } from '../lib/error.ts';
import type { HandedSocket } from './activation.ts';
import type { ListenAddress } from './settings.ts';

/** Whoever may write to the socket is root on every machine: the owner and its group only. */
const socketMode = 0o660;

/** Serves `listener` at one address; a socket file left by a dead daemon is replaced. */
export async function listenAt(address: ListenAddress, listener: RequestListener): Promise<Server> {
  const server = createServer(listener);
  if (address.kind === 'unix') await removeDeadSocket(address.path);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(cannotListen(address, error)));
    if (address.kind === 'unix') server.listen(address.path, resolve);
    else server.listen(address.port, address.host, resolve);
  });
  if (address.kind === 'unix') chmodSync(address.path, socketMode);
  return server;
}

/** Serves `listener` on a socket that listens already; systemd keeps it when this process ends. */
export async function listenOn(socket: HandedSocket, listener: RequestListener): Promise<Server> {
  const { fd, name } = socket;
  const server = createServer(listener);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const what = `cannot serve on the socket '${name}' from systemd: ${error.message}`;
      const hint = 'a stream socket with Accept=no is needed, see fleet.socket';
      reject(new FleetError(what, { code: 'config/invalid', retry: 'never', hint, cause: error }));
    });
    server.listen({ fd }, resolve);
  });
  return server;
}

/** An address as people write it. */
export function addressText(address: ListenAddress): string {
  return address.kind === 'unix'
    ? `unix://${address.path}`
    : `tcp://${address.host}:${address.port}`;
}

function cannotListen(address: ListenAddress, error: Error): FleetError {
  return new FleetError(`cannot listen on ${addressText(address)}: ${error.message}`, {
    code: 'config/invalid',
    retry: 'never',
    hint: 'free the address, or change api_listen in fleet.conf',
    cause: error,
  });
}

function removeDeadSocket(path: string): Promise<void> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (isDead: boolean): void => {
      probe.destroy();
      if (isDead) unlinkIfThere(path);
      resolve();
    };
    probe.once('connect', () => end(false));
    probe.once('error', (error) => end('code' in error && error.code === 'ECONNREFUSED'));
  });
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // listen() says what is wrong with the path, with more to go by than we have here.
    void messageOf(error);
  }
}
