import { randomUUID } from 'node:crypto';
import type { AdoptOutcome, FinishOutcome, StoreControl } from '../model/store-standing.ts';
import type { MembershipOptions } from './membership.ts';

/** What operators may ask of the store as a whole, on this machine. */
export function storeControl({ registry, memory, log }: MembershipOptions): StoreControl {
  const { gate, cluster } = registry;
  return {
    standing: () => gate.standing,
    async adopt(signal): Promise<AdoptOutcome> {
      const outcome = await cluster.adopt(memory.read(), randomUUID(), signal);
      if (outcome.kind !== 'adopted') return outcome;
      if (gate.isOpen && gate.known !== null) memory.keepCluster(gate.known);
      const { clusterId, epoch } = outcome;
      log.warn({ clusterId, epoch }, 'adopted the store, since an operator asked for it');
      return outcome;
    },
    async finishUpgrade(signal): Promise<FinishOutcome> {
      const outcome = await cluster.finishUpgrade(signal);
      if (outcome.kind === 'raised') {
        log.info({ format: outcome.format }, 'raised the format of the cluster');
      }
      return outcome;
    },
  };
}
