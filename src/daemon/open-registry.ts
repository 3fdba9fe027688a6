import { systemClock } from '../lib/clock.ts';
import { FleetError } from '../lib/error.ts';
import { flotillaVersion } from '../lib/version.ts';
import { connectRegistry, type Registry } from '../registry/connect-registry.ts';
import type { KeeperThread } from '../registry/keeper-thread.ts';
import { accessFrom } from './etcd-access.ts';
import { type MachineIdentity, ownAddress } from './identity.ts';
import type { Settings } from './settings.ts';
import { isShuttingDown } from './shutting-down.ts';

/**
 * The registry as the settings say; `keeper` renews its lease, or, without one, this loop. Throws
 * FleetError `config/invalid`; connects later.
 */
export function registryFrom(
  settings: Settings,
  identity: MachineIdentity,
  keeper: KeeperThread | null = null,
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
  const mayReturn = async (): Promise<boolean> => !(await isShuttingDown(settings.systemdUser));
  const options = { keyPrefix, ttlMs, quotaBytes, self, clock: systemClock, mayReturn };
  return connectRegistry(options, accessFrom(settings), keeper);
}

function noAddress(): never {
  throw new FleetError('this machine has no address but loopback', {
    code: 'config/invalid',
    retry: 'never',
    hint: 'set public_ip in fleet.conf',
  });
}
