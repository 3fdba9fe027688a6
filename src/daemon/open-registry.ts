import { readFileSync } from 'node:fs';
import { type Clock, systemClock } from '../lib/clock.ts';
import { FleetError, messageOf } from '../lib/error.ts';
import { flotillaVersion } from '../lib/version.ts';
import { connectRegistry, type Registry } from '../registry/connect-registry.ts';
import type { EtcdAccess } from '../registry/etcd-connection.ts';
import { type MachineIdentity, ownAddress } from './identity.ts';
import type { Settings } from './settings.ts';

/** The registry as the settings say. Throws FleetError `config/invalid`; connects later. */
export function registryFrom(
  settings: Settings,
  identity: MachineIdentity,
  clock: Clock = systemClock,
): Registry {
  const self = {
    id: identity.id,
    bootId: identity.bootId,
    address: settings.publicIp ?? ownAddress() ?? noAddress(),
    version: flotillaVersion,
    metadata: settings.metadata,
    leaving: false,
  };
  const { etcdKeyPrefix: keyPrefix, agentTtlMs: ttlMs, etcdQuotaBytes: quotaBytes } = settings;
  return connectRegistry({ keyPrefix, ttlMs, quotaBytes, self, clock }, accessFrom(settings));
}

function accessFrom(settings: Settings): EtcdAccess {
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
    throw invalid(messageOf(error), 'correct the path in fleet.conf, or make the file readable');
  }
}

function noAddress(): never {
  throw invalid('this machine has no address but loopback', 'set public_ip in fleet.conf');
}

function invalid(message: string, hint: string): FleetError {
  return new FleetError(message, { code: 'config/invalid', retry: 'never', hint });
}
