import type { BootId, MachineId } from '../model/ids.ts';
import type { Machine } from '../model/machine.ts';

/**
 * Its configured metadata with what was set at run time laid over it, sorted by key. An empty value
 * set at run time takes the key away.
 */
export function withMetadata(
  machine: Machine,
  overlay: ReadonlyMap<string, string> | undefined,
): Machine {
  if (overlay === undefined || overlay.size === 0) return machine;
  const entries = [...new Map([...machine.metadata, ...overlay])].filter(
    ([key, value]) => value !== '' || overlay.get(key) !== '',
  );
  const metadata = new Map(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
  return { ...machine, metadata };
}

/**
 * A machine whose record we do not understand is alive all the same: it is listed without
 * properties and as leaving, so that nothing is placed there and nothing is taken for lost.
 */
export function unreadableMachine(id: MachineId): Machine {
  return {
    id,
    bootId: '' as BootId,
    address: '',
    version: '',
    metadata: new Map(),
    leaving: true,
  };
}
