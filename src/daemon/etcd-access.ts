import { readFileSync } from 'node:fs';
import { FleetError, messageOf } from '../lib/error.ts';
import type { EtcdAccess } from '../registry/etcd-connection.ts';
import type { Settings } from './settings.ts';

/** How the settings say that etcd is reached. Throws FleetError `config/invalid`. */
export function accessFrom(settings: Settings): EtcdAccess {
  const { etcdServers, etcdCaFile, etcdCertFile, etcdKeyFile, etcdUsername, etcdPassword } =
    settings;
  const isTls = etcdServers.every((url) => url.startsWith('https://'));
  const hasFiles = etcdCaFile !== null || etcdCertFile !== null;
  return {
    endpoints: etcdServers,
    tls:
      isTls && hasFiles
        ? {
            ca: pemOrNull(etcdCaFile),
            cert: pemOrNull(etcdCertFile),
            key: pemOrNull(etcdKeyFile),
          }
        : null,
    login:
      etcdUsername === null || etcdPassword === null
        ? null
        : { username: etcdUsername, password: etcdPassword },
    requestTimeoutMs: settings.etcdRequestTimeoutMs,
  };
}

function pemOrNull(path: string | null): Buffer | null {
  return path === null ? null : readPem(path);
}

function readPem(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new FleetError(messageOf(error), {
      code: 'config/invalid',
      retry: 'never',
      hint: 'correct the path in fleet.conf, or make the file readable',
    });
  }
}
