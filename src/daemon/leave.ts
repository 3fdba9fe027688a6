import type { Registry } from '../registry/connect-registry.ts';
import { readKeys } from '../registry/paged-read.ts';
import type { MachineIdentity } from './identity.ts';
import { isShuttingDown } from './shutting-down.ts';

const limits = { leaveMs: 4_000 } as const;

/**
 * What fleet-leave.service runs when it stops. While the machine shuts down it gives back the lease
 * of this boot, so that the machine's work moves at once; at any other time it does nothing. Where
 * a user's systemd is driven, its end is what counts as that.
 * Returns what it did, in words.
 */
export async function leaveCluster(
  registry: Registry,
  identity: MachineIdentity,
  isUser: boolean,
): Promise<string> {
  if (!(await isShuttingDown(isUser))) return 'the machine does not shut down: nothing to do';
  const { store, keys } = registry;
  const signal = AbortSignal.timeout(limits.leaveMs);
  const key = keys.machine(identity.id);
  const item = (await readKeys(store, { keys: [key], revision: null }, signal)).items[0] ?? null;
  if (item === null || item.leaseId === null) return 'this machine has left already';
  if (!item.value.includes(identity.bootId)) return 'the record is of another boot: left alone';
  await store.revokeLease(item.leaseId, signal);
  return 'left the cluster';
}
