import type { RequestListener, Server } from 'node:http';
import type { Logger } from '../lib/log.ts';
import { type HandedSocket, unixPathOf } from './activation.ts';
import { isOpenToOthers } from './config.ts';
import { addressText, listenAt, listenOn } from './listen.ts';
import type { Places } from './places.ts';
import { type ListenAddress, type Settings, settingDefaults } from './settings.ts';

/** Where the API is to be served. */
export interface ServedPlaces {
  readonly settings: Settings;
  readonly places: Pick<Places, 'socketPath'>;
  /** Sockets from systemd. */
  readonly handed: readonly HandedSocket[];
  readonly log: Logger;
}

/**
 * Serves on every socket that systemd handed over, and on the addresses of `api_listen` that are
 * not among them. Its default counts only when nothing was handed over.
 */
export async function serveEverywhere(
  { settings, places, handed, log }: ServedPlaces,
  listener: RequestListener,
): Promise<readonly Server[]> {
  const given = await Promise.all(
    handed.map(async ({ fd, name }) => {
      const server = await listenOn({ fd, name }, listener); // says so if it is no such socket
      return { server, name, address: addressOf(server, unixPathOf(fd)) };
    }),
  );
  for (const { address, name } of given) warnIfOpen(address, name, settings, log);
  const taken = new Set(given.flatMap(({ address }) => (address ? [addressText(address)] : [])));
  const isDefault = settings.apiListen === settingDefaults.apiListen;
  const usual = { kind: 'unix', path: places.socketPath } as const;
  const asked = isDefault ? [usual] : settings.apiListen;
  const own = (handed.length > 0 && isDefault ? [] : asked).filter(
    (address) => !taken.has(addressText(address)),
  );
  const opened = await Promise.all(own.map((address) => listenAt(address, listener)));
  const addresses = [...taken, ...own.map(addressText)];
  log.info({ addresses, sockets: handed.map(({ name }) => name) }, 'started');
  return [...given.map(({ server }) => server), ...opened];
}

function addressOf(server: Server, path: string | null): ListenAddress | null {
  if (path !== null) return { kind: 'unix', path };
  const bound = server.address();
  if (bound === null || typeof bound === 'string') return null;
  return { kind: 'tcp', host: bound.address, port: bound.port };
}

/** The socket unit is the operator's own word, so it is followed, but not in silence. */
function warnIfOpen(
  address: ListenAddress | null,
  name: string,
  settings: Settings,
  log: Logger,
): void {
  if (address === null || settings.insecureTcp || !isOpenToOthers(address)) return;
  const hint = 'listen on 127.0.0.1, or set insecure_tcp=true if the network is yours alone';
  log.warn(
    { address: addressText(address), socket: name, hint },
    'serving beyond this machine: whoever reaches the socket is root on every machine',
  );
}
